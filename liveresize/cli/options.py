"""Options that several commands have, and the settings and the server that they select."""

import functools
import json
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from liveresize import errors

if TYPE_CHECKING:
    from liveresize.cli import client
    from liveresize.config import Settings

URL = click.option(
    "--url",
    metavar="URL",
    help="URL of the running server, or HOST:PORT. With TLS, use the host name in its "
    "certificate.  [default: this machine, with the port from the settings]",
)


def _secret(words: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return `--secret`, and beside it `--application`, which `server` reads."""

    def keep(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
        if value is not None:
            ctx.meta[_APPLICATION] = value

    secret = click.option("--secret", metavar="TEXT", help=words)
    application = click.option(
        "--application",
        metavar="NAME",
        expose_value=False,
        callback=keep,
        help="Use the secret of this application in the settings here.",
    )
    return lambda command: secret(application(command))


_APPLICATION = f"{__name__}.application"
"""Where click keeps the name of the application whose secret is used."""

SECRET = _secret("The server's setting `secret`, for tokens.  [default: that of the settings here]")
ADMIN_SECRET = _secret(
    "One of the server's `admin.secrets`.  [default: the first one of the settings here]"
)
OVERWRITE = click.option(
    "--overwrite",
    is_flag=True,
    help="Allow the upload to replace an existing image; the server must have a `secret`.",
)
YES = click.option(
    "--yes", "-y", is_flag=True, help="Do not ask. Required where nobody can answer."
)
JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document, and nothing else, on stdout."
)


_GIVEN = f"{__name__}.given"
"""Where click keeps, for the whole call, what options say about settings: key → source, value."""

FOLDER = "LIVERESIZE_FOLDER"
"""The variable with the folder of the service, which paths in its settings are relative to."""


class FilePath(click.Path):
    """A path of the command line, which is relative to the folder of the caller."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, absolute if `load` will change the folder."""
        if os.environ.get(FOLDER) and os.fspath(value) != "-":
            value = os.path.abspath(value)
        try:
            os.stat(value)
        except PermissionError:
            from liveresize.maintenance.doctor.findings import user

            self.fail(f"{value} is out of reach for the user {user()}.", param, ctx)
        except (OSError, ValueError):
            pass  # click has words for these
        return super().convert(value, param, ctx)


def above_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that set a key above all files and variables, which `load` takes in."""
    for option in (
        _above(
            "studio",
            "--studio/--no-studio",
            default=None,
            help="The page to try everything in a browser.",
        ),
        _above(
            "data_dir",
            "--data",
            type=FilePath(file_okay=False),
            help="Folder for everything: `data_dir`.",
        ),
        _above(
            "listen_address",
            "--host",
            metavar="ADDRESS",
            help="Address to listen on: 127.0.0.1, or 0.0.0.0 for all.",
        ),
        _above(
            "listen_port",
            "--port",
            type=click.IntRange(0, 65535),
            help="Port, instead of the setting's.",
        ),
    ):
        command = option(command)
    return command


def _above(key: str, *declarations: str, **attributes: Any) -> Callable[..., Any]:
    """Return an option that is no argument of its command, but the value of `key`."""

    def keep(ctx: click.Context, param: click.Parameter, value: object) -> None:
        if value is not None:
            ctx.meta.setdefault(_GIVEN, {})[key] = (f"option {param.opts[0]}", value)

    return click.option(*declarations, expose_value=False, callback=keep, **attributes)


def load() -> "Settings":
    """Return the settings in force, with their warnings, and change to LIVERESIZE_FOLDER.

    Raises SettingsError if a setting is invalid or a file cannot be read.
    """
    if folder := os.environ.get(FOLDER):
        try:
            os.chdir(folder)
        except OSError as error:
            from liveresize.maintenance.doctor.findings import user

            raise errors.SettingsError(
                f"{folder}, the folder of the service, cannot be entered by the user {user()} "
                f"({error.strerror}): make it, and give it to the user of the service."
            ) from error
    from liveresize import config as settings
    from liveresize.config.layers import Layer

    context = click.get_current_context(silent=True)
    given = context.meta.get(_GIVEN, {}) if context else {}
    layers = [Layer.of(source, [key], value) for key, (source, value) in given.items()]
    return settings.load(os.environ, options=layers)


def server(
    url: str | None, secret: str | None, configured: Callable[["Settings"], str]
) -> "client.Server":
    """Return the server that a command talks to; settings are loaded if an option is missing.

    `configured` takes the secret from the settings.

    Raises SettingsError, and whatever `configured` raises.
    """
    from liveresize.cli import client

    context = click.get_current_context(silent=True)
    application = context.meta.get(_APPLICATION) if context else None
    if secret is not None and application is not None:
        raise click.UsageError("Give one of --secret and --application.")
    if url is not None and secret is not None:
        return client.Server(_whole(url), secret)
    settings = load()
    if application is not None:
        configured = functools.partial(_secret_of, application)
    advice = (
        "Start the server there with `liveresize serve`, or give its URL with --url. The port is "
        f"listen_port ({settings.sources['listen_port']}); the environment variable PORT sets it."
    )
    encrypted = settings.tls.certificate and not settings.tls.port
    scheme = "https" if encrypted else "http"
    return client.Server(
        url=_whole(url) if url else f"{scheme}://localhost:{settings.listen_port}",
        secret=configured(settings) if secret is None else secret,
        advice=client.GIVEN if url else advice,
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
    """Ask for confirmation on stderr, unless `yes`; the answer is read from stdin.

    Raises Abort if the answer is no, and UsageError if there is none.
    """
    if yes:
        return
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort:
        if at_terminal():
            raise
        raise click.UsageError("Nobody answers on stdin: give --yes to go on.") from None
    if not agreed:
        raise click.Abort


def at_terminal() -> bool:
    """Whether standard input is a terminal."""
    return sys.stdin.isatty()


def report(as_json: bool, document: object, *lines: str) -> None:
    """Print the result of a command: `document` as JSON, or `lines`."""
    click.echo(json_text(document) if as_json else "\n".join(lines))


def json_text(document: object) -> str:
    """Return `document` as one line of JSON; names of files may not be UTF-8."""
    text = json.dumps(document, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(document)


def coloured(text: str, colour: str) -> str:
    """Return `text` in a colour of the terminal, or as it is where NO_COLOR is set.

    `click.echo` drops the colour where its output is no terminal.
    """
    return text if os.environ.get("NO_COLOR") else click.style(text, fg=colour)


def _whole(url: str) -> str:
    """Return a URL that may lack its scheme, such as `localhost:1337`."""
    return url if "://" in url else f"http://{url.removeprefix('//')}"


def _secret_of(application: str, settings: "Settings") -> str:
    """Return the secret of an application. Raises SettingsError if there is no such one."""
    for each in settings.shared_by:
        if each.name == application:
            return each.secret
    raise errors.SettingsError(f"applications has no `{application}`.")


def _admin_secret(settings: "Settings") -> str:
    if not settings.admin.secrets:
        raise errors.LiveResizeError("Give --secret, or configure one in admin.secrets.")
    return settings.admin.secrets[0]
