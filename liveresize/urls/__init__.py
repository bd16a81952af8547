"""Addresses of pictures for an application's pages: `url`, `srcset`, and a whole `picture`.

Nothing is asked of the server, and nothing heavy is imported. Every address is read back by
the server's own parser before it is handed out, so that what makes no sense raises here,
with the sentence that the server would answer: MalformedUrl or BadParameter.
"""

from liveresize.urls.address import Options, expiry, size, srcset, url
from liveresize.urls.markup import Html, picture

__all__ = ["Html", "Options", "expiry", "picture", "size", "srcset", "url"]
