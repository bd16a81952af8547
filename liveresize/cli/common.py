"""What commands that speak to a running server have in common."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from liveresize.cli import client
    from liveresize.config import Settings

URL = click.option(
    "--url",
    metavar="URL",
    help="URL of the running server. With TLS, use the host name in its certificate.  "
    "[default: this machine, with the port from the settings]",
)


def load() -> "Settings":
    """The settings in force, with their warnings. Raises SettingsError."""
    from liveresize import config as settings

    return settings.load(os.environ)


def server(
    url: str | None, secret: str | None, configured: Callable[["Settings"], str]
) -> "client.Server":
    """The server that a command talks to; settings are read for what was not given.

    `configured` is the secret that they have. Raises SettingsError, and what it raises.
    """
    from liveresize.cli import client

    if url is not None and secret is not None:
        return client.Server(url, secret)
    settings = load()
    encrypted = settings.tls.certificate and not settings.tls.port
    scheme = "https" if encrypted else "http"
    return client.Server(
        url=url or f"{scheme}://localhost:{settings.listen_port}",
        secret=configured(settings) if secret is None else secret,
    )
