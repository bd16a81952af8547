"""The command `liveresize`.

Everything but click is imported inside the commands: a worker that is spawned imports
the main module again, and would carry all of it.
"""

import json
import sys
from pathlib import Path
from typing import NoReturn

import click

from liveresize import __version__, cli_checks, cli_server, cli_sign, cli_upkeep, errors

_SECRET = click.option(
    "--secret",
    metavar="TEXT",
    help="What the server asks for.  [default: `secret` of the settings]",
)
_EXPIRES = click.option(
    "--expires-in", type=click.IntRange(min=1), metavar="SECONDS", help="Life of the token."
)
_OVERWRITE = click.option(
    "--overwrite", is_flag=True, help="Let the upload replace a picture of that id."
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
    """Resize images on demand, and serve them.

    \b
    Examples:
      liveresize serve                      serve on http://localhost:1337
      PORT=8080 liveresize serve            the same on another port
      liveresize check-config               show every setting and its source
      liveresize upload cat.jpg --id cat    put a picture in
      curl -L http://localhost:1337/cat_400_0.jpg -o small.jpg

    Settings are read from config/default.json, config/$NODE_ENV.json,
    config/local.json and the environment; NODE_CONFIG_DIR names another folder.
    """


for _command in (
    cli_upkeep.delete,
    cli_upkeep.purge,
    cli_upkeep.reconcile,
    cli_sign.sign,
    cli_checks.doctor,
    cli_checks.verify,
    cli_checks.warm,
):
    main.add_command(_command)


@main.command()
def serve() -> NoReturn:
    """Serve until SIGTERM or Ctrl-C.

    \b
    Examples:
      liveresize serve
      NODE_ENV=production liveresize serve
      LIVERESIZE_LOG__DEBUG=true liveresize serve
    """
    settings = cli_server.load()
    from liveresize import server

    sys.exit(server.run(settings))


@main.command("check-config")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def check_config(as_json: bool) -> None:
    """Show every setting in force, and where it comes from.

    Secrets are masked. Exits with 1 where the server would not start.

    \b
    Examples:
      liveresize check-config
      NODE_ENV=production liveresize check-config --json
    """
    from liveresize import settings, wiring

    in_force = cli_server.load()
    report = settings.as_json if as_json else settings.table
    click.echo(report(in_force))
    wiring.check(in_force)


@main.command()
def migrate() -> None:
    """Bring the database to the schema of this release.

    `serve` does this by itself; run it before a roll-out to have it done once.
    """
    settings = cli_server.load()
    import asyncio

    from liveresize import wiring

    asyncio.run(wiring.migrate(settings))


@main.group("import")
def import_() -> None:
    """Move in from another service."""


@import_.command()
@click.option(
    "--database",
    envvar="IAAS_DATABASE",
    metavar="URL",
    help="Its PostgreSQL, postgresql://user:password@host/name.  [env: IAAS_DATABASE]",
)
@click.option(
    "--sqlite",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    help="Its database file, of a release before 1.0.",
)
@click.option(
    "--originals",
    type=click.Path(exists=True, file_okay=False, readable=True, path_type=Path),
    required=True,
    help="Its folder of originals.",
)
@click.option("--copy", "taking", flag_value="copy", help="Copy them, cleaned of metadata.")
@click.option("--link", "taking", flag_value="link", help="Make hard links, which take no room.")
@click.option("--in-place", "taking", flag_value="in-place", help="Leave them where they are.")
@click.option("--dry-run", is_flag=True, help="Change nothing, count what would be taken.")
def iaas(
    database: str | None,
    sqlite: Path | None,
    originals: Path,
    taking: str | None,
    dry_run: bool,
) -> None:
    """Move in from Live Image Resize (iaas).

    Takes its originals, the links to what it has rendered, which go on redirecting to
    where they did, and the tokens that can still be used. It only reads from its database,
    and may run while it serves. Stop it and run it again at will: it adds what is missing.

    Originals are copied, and cleaned of location and maker's data as an upload is, unless
    they lie in originals_dir: then they stay in place. An original that is linked or stays
    in place cannot be cleaned; one that tells too much is shown as a rendition instead.

    Exits with 1 where it had to stop, or an original could not be taken.

    \b
    Examples:
      liveresize import iaas --database postgresql://iaas@db/iaas --originals /opt/images
      liveresize import iaas --sqlite cache.sqlite --originals /opt/images --dry-run
    """
    if (database is None) == (sqlite is None):
        raise click.UsageError("Give one of --database and --sqlite.")
    settings = cli_server.load()
    from liveresize.moving import source
    from liveresize.moving.originals import Taking
    from liveresize.wiring import moving

    asked = moving.Asked(
        url=database or source.sqlite_url(sqlite or Path()),
        directory=originals,
        taking=Taking(taking) if taking else None,
        dry_run=dry_run,
    )
    if not moving.main(settings, asked, click.echo):
        sys.exit(1)


@main.command()
@click.argument("id_", metavar="ID")
@cli_server.URL
@_SECRET
@_EXPIRES
@_OVERWRITE
def token(
    id_: str, url: str | None, secret: str | None, expires_in: int | None, overwrite: bool
) -> None:
    """Ask a running server for a token that uploads one picture as ID, and print it.

    \b
    Examples:
      liveresize token cat
      curl -H "X-Token: $(liveresize token cat)" -F image=@cat.jpg \\
           http://localhost:1337/cat
    """
    from liveresize import client

    server = cli_server.server(url, secret, lambda settings: settings.secret)
    click.echo(client.token(server, id_, expires_in=expires_in, overwrite=overwrite))


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--id", "id_", metavar="ID", help="Name of the picture.  [default: that of FILE]")
@cli_server.URL
@_SECRET
@_OVERWRITE
def upload(
    file: Path, id_: str | None, url: str | None, secret: str | None, overwrite: bool
) -> None:
    """Upload FILE to a running server, and print the addresses it has there.

    \b
    Examples:
      liveresize upload cat.jpg
      liveresize upload holiday.png --id beach --url https://images.example.com
    """
    from liveresize import client

    server = cli_server.server(url, secret, lambda settings: settings.secret)
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
