"""URLs of images on a liveresize server, and uploads to it.

`url`, `srcset`, `picture`, `size` and `expiry` write URLs and send nothing. `Client` and
`AsyncClient` talk to a server: tokens, uploads, changes, deletions and lists.
"""

from liveresize_client._shared.errors import BadParameter, MalformedUrl
from liveresize_client._shared.urls import Html, Options, expiry, picture, size, srcset, url
from liveresize_client.calls import RefusedByServer, ServerUnavailable, Token
from liveresize_client.client import AsyncClient, Client

__all__ = [
    "AsyncClient",
    "BadParameter",
    "Client",
    "Html",
    "MalformedUrl",
    "Options",
    "RefusedByServer",
    "ServerUnavailable",
    "Token",
    "expiry",
    "picture",
    "size",
    "srcset",
    "url",
]
