"""Options that several commands have, and the settings and the server that they select."""

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from liveresize import errors

if TYPE_CHECKING:
    from liveresize.cli import client
    from liveresize.config import Settings

URL = click.option(
    "--url",
    metavar="URL",
    help="URL of the running server. With TLS, use the host name in its certificate.  "
    "[default: this machine, with the port from the settings]",
)
SECRET = click.option(
    "--secret",
    metavar="TEXT",
    help="Secret that the server requires.  [default: the setting `secret`]",
)
ADMIN_SECRET = click.option(
    "--secret",
    metavar="TEXT",
    help="Admin secret of the server.  [default: the first one in the setting `admin.secrets`]",
)
OVERWRITE = click.option(
    "--overwrite", is_flag=True, help="Allow the upload to replace an existing image."
)
YES = click.option("--yes", "-y", is_flag=True, help="Skip the confirmation.")


def load() -> "Settings":
    """Return the settings in force, with their warnings.

    Raises SettingsError if a setting is invalid or a file cannot be read.
    """
    from liveresize import config as settings

    return settings.load(os.environ)


def server(
    url: str | None, secret: str | None, configured: Callable[["Settings"], str]
) -> "client.Server":
    """Return the server that a command talks to; settings are loaded if an option is missing.

    `configured` takes the secret from the settings.

    Raises SettingsError, and whatever `configured` raises.
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


def upload_server(url: str | None, secret: str | None) -> "client.Server":
    """Return the server to upload to, with the secret that its tokens require.

    Raises SettingsError.
    """
    return server(url, secret, lambda settings: settings.secret)


def admin_server(url: str | None, secret: str | None) -> "client.Server":
    """Return the server to administer, with an admin secret.

    Raises LiveResizeError if neither `--secret` nor the settings have one, and SettingsError.
    """
    return server(url, secret, _admin_secret)


def confirm(question: str, yes: bool) -> None:
    """Ask for confirmation at a terminal, unless `yes`; a script is not asked.

    Raises Abort if the answer is no.
    """
    if not yes and at_terminal():
        click.confirm(question, abort=True)


def at_terminal() -> bool:
    """Whether standard input is a terminal."""
    return sys.stdin.isatty()


def _admin_secret(settings: "Settings") -> str:
    if not settings.admin.secrets:
        raise errors.LiveResizeError("Give --secret, or configure one in admin.secrets.")
    return settings.admin.secrets[0]
