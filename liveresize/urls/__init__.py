"""Build the URLs of pictures for an application's pages: `url`, `srcset` and `picture`.

No request is sent to the server, and nothing heavy is imported. Every URL is parsed by the
server's own parser before it is returned, so that an invalid one raises here, with the error of
the server: MalformedUrl or BadParameter.
"""

from liveresize.urls.address import Options, expiry, size, srcset, url
from liveresize.urls.markup import Html, picture

__all__ = ["Html", "Options", "expiry", "picture", "size", "srcset", "url"]
