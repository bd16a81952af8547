"""The commands `import`: take over the images of another service."""

import sys
from pathlib import Path

import click

from liveresize.cli import options


@click.group("import")
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
    settings = options.load()
    from liveresize.app import iaas
    from liveresize.compat.iaas import source
    from liveresize.compat.iaas.originals import Taking

    request = iaas.ImportRequest(
        url=database or source.sqlite_url(sqlite or Path()),
        directory=originals,
        taking=Taking(taking) if taking else None,
        dry_run=dry_run,
    )
    if not iaas.main(settings, request, click.echo):
        sys.exit(1)
