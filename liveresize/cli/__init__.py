"""The command `liveresize`.

Everything but click is imported inside the commands: a worker that is spawned imports
the main module again, and would carry all of it.
"""

import json
import sys
from pathlib import Path
from typing import NoReturn

import click

from liveresize import __version__, errors
from liveresize.cli import checks, common, maintenance, sign

_SECRET = click.option(
    "--secret",
    metavar="TEXT",
    help="Secret that the server requires.  [default: the setting `secret`]",
)
_EXPIRES = click.option(
    "--expires-in",
    type=click.IntRange(min=1),
    metavar="SECONDS",
    help="How long the token is valid.",
)
_OVERWRITE = click.option(
    "--overwrite", is_flag=True, help="Allow the upload to replace an existing image."
)


class _Commands(click.Group):
    """Commands whose foreseen failures are one sentence on stderr and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except errors.LiveResizeError as exc:
            _fail(exc)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="liveresize", message="%(prog)s %(version)s")
def main() -> None:
    """Resize images on demand and serve them.

    \b
    Examples:
      liveresize serve                      serve on http://localhost:1337
      PORT=8080 liveresize serve            the same on another port
      liveresize check-config               show every setting and its source
      liveresize upload cat.jpg --id cat    upload an image
      curl -L http://localhost:1337/cat_400_0.jpg -o small.jpg

    Settings are read from config/default.json, config/$NODE_ENV.json,
    config/local.json and the environment. Set NODE_CONFIG_DIR to use another folder.
    """


for _command in (
    maintenance.delete,
    maintenance.purge,
    maintenance.reconcile,
    sign.sign,
    checks.doctor,
    checks.verify,
    checks.warm,
):
    main.add_command(_command)


@main.command()
def serve() -> NoReturn:
    """Start the server; stop it with Ctrl-C or SIGTERM.

    \b
    Examples:
      liveresize serve
      NODE_ENV=production liveresize serve
      LIVERESIZE_LOG__DEBUG=true liveresize serve
    """
    settings = common.load()
    from liveresize.app import server

    sys.exit(server.run(settings))


@main.command("check-config")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def check_config(as_json: bool) -> None:
    """Show every setting and where its value comes from.

    Secrets are masked. Exits with 1 if the server would not start with these settings.

    \b
    Examples:
      liveresize check-config
      NODE_ENV=production liveresize check-config --json
    """
    from liveresize import config as settings
    from liveresize.app import container

    in_force = common.load()
    report = settings.as_json if as_json else settings.table
    click.echo(report(in_force))
    container.check(in_force)


@main.command()
def migrate() -> None:
    """Update the database to the schema of this release.

    `serve` does this, too. Run this command before a roll-out to do it only once.
    """
    settings = common.load()
    import asyncio

    from liveresize.app import container

    asyncio.run(container.migrate(settings))


@main.group("import")
def import_() -> None:
    """Import images from another service."""


@import_.command()
@click.option(
    "--database",
    envvar="IAAS_DATABASE",
    metavar="URL",
    help="Its PostgreSQL database: postgresql://user:password@host/name.  [env: IAAS_DATABASE]",
)
@click.option(
    "--sqlite",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    help="Its SQLite file, if it is a release before 1.0.",
)
@click.option(
    "--originals",
    type=click.Path(exists=True, file_okay=False, readable=True, path_type=Path),
    required=True,
    help="Its folder with the originals.",
)
@click.option(
    "--copy", "taking", flag_value="copy", help="Copy the originals without their metadata."
)
@click.option(
    "--link", "taking", flag_value="link", help="Make hard links, which need no disk space."
)
@click.option(
    "--in-place", "taking", flag_value="in-place", help="Leave the originals where they are."
)
@click.option("--dry-run", is_flag=True, help="Change nothing; count what would be imported.")
def iaas(
    database: str | None,
    sqlite: Path | None,
    originals: Path,
    taking: str | None,
    dry_run: bool,
) -> None:
    """Import from Live Image Resize (iaas).

    Imports its originals, its links to existing renditions (they redirect to the same
    places as before) and its unused tokens. The command only reads from the other database
    and can run while Live Image Resize is serving. You can stop it and run it again at any
    time: it adds what is missing.

    Originals are copied, and location and maker's data are removed as in an upload.
    Originals in originals_dir are not copied but stay in place. If an original is linked or
    stays in place, its metadata cannot be removed; if it contains a location, only
    renditions of it are served.

    Exits with 1 if it had to stop or if an original could not be imported.

    \b
    Examples:
      liveresize import iaas --database postgresql://iaas@db/iaas --originals /opt/images
      liveresize import iaas --sqlite cache.sqlite --originals /opt/images --dry-run
    """
    if (database is None) == (sqlite is None):
        raise click.UsageError("Give one of --database and --sqlite.")
    settings = common.load()
    from liveresize.app import iaas
    from liveresize.compat.iaas import source
    from liveresize.compat.iaas.originals import Taking

    asked = iaas.Asked(
        url=database or source.sqlite_url(sqlite or Path()),
        directory=originals,
        taking=Taking(taking) if taking else None,
        dry_run=dry_run,
    )
    if not iaas.main(settings, asked, click.echo):
        sys.exit(1)


@main.command()
@click.argument("id_", metavar="ID")
@common.URL
@_SECRET
@_EXPIRES
@_OVERWRITE
def token(
    id_: str, url: str | None, secret: str | None, expires_in: int | None, overwrite: bool
) -> None:
    """Get a token from a running server, for one upload as ID, and print it.

    \b
    Examples:
      liveresize token cat
      curl -H "X-Token: $(liveresize token cat)" -F image=@cat.jpg \\
           http://localhost:1337/cat
    """
    from liveresize.cli import client

    server = common.server(url, secret, lambda settings: settings.secret)
    click.echo(client.token(server, id_, expires_in=expires_in, overwrite=overwrite))


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--id", "id_", metavar="ID", help="Name of the image.  [default: the name of FILE]")
@common.URL
@_SECRET
@_OVERWRITE
def upload(
    file: Path, id_: str | None, url: str | None, secret: str | None, overwrite: bool
) -> None:
    """Upload FILE to a running server and print the URLs of the image.

    \b
    Examples:
      liveresize upload cat.jpg
      liveresize upload holiday.png --id beach --url https://images.example.com
    """
    from liveresize.cli import client

    server = common.server(url, secret, lambda settings: settings.secret)
    name = file.stem if id_ is None else id_
    granted = client.token(server, name, overwrite=overwrite)
    answer = client.upload(server, name, file, granted)
    click.echo(json.dumps(answer))
    for address in client.addresses(server, name, answer):
        click.echo(address)


def _fail(error: errors.LiveResizeError) -> NoReturn:
    detail = f" ({error.detail})" if error.detail else ""
    click.echo(f"liveresize: {error.public}{detail}", err=True)
    sys.exit(1)
