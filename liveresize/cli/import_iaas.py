"""The commands `import`: take over the images of another service."""

import os
from pathlib import Path
from typing import TextIO

import click

from liveresize.cli import iaas as shared
from liveresize.cli import options


@click.group("import")
def import_() -> None:
    """Import images from another service."""


@import_.command()
@shared.database(required=False)
@click.option(
    "--sqlite",
    type=options.FilePath(exists=True, dir_okay=False, readable=True, path_type=Path),
    help="Its SQLite file, if it is a release before 1.0.",
)
@shared.originals(writable=False)
@click.option(
    "--copy", "taking", flag_value="copy", help="Copy the originals without their metadata."
)
@click.option(
    "--link", "taking", flag_value="link", help="Make hard links, which need no disk space."
)
@click.option(
    "--in-place", "taking", flag_value="in-place", help="Leave the originals where they are."
)
@shared.dry_run("imported")
@click.option(
    "--left-out",
    type=click.File("w", encoding="utf-8", lazy=False),
    help="Write a line for everything that was left out to this file: what, name and reason, "
    "separated by tabs.",
)
@shared.yes("Import into")
@options.JSON
def iaas(
    database: str | None,
    sqlite: Path | None,
    originals: Path,
    taking: str | None,
    dry_run: bool,
    left_out: TextIO | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Import from Live Image Resize (iaas).

    Imports its originals, its links to existing renditions (they redirect to the same
    places as before) and its unused tokens. The command only reads from the other database
    and can run while Live Image Resize is serving. You can stop it and run it again at any
    time: it adds what is missing.

    It prints where it reads and where it writes before it writes, and needs a configuration
    that says so. Settings that keep the behaviour of Live Image Resize are written to
    local-$NODE_ENV.json in the configuration folder, or printed if that is not possible.

    \b
    originals      --copy        --link                --in-place
    file           a new file    a hard link           stays where it is
    default        yes           no                    if it lies in originals_dir
    needs          free space    the same file system  nothing
    location data  removed       stays in the file     stays in the file
    shown as       the original  a rendition of full size, if it has a location

    \b
    Exit codes:
      0  everything was imported
      1  it had to stop; run it again
      2  a wrong option, or no configuration
      3  it came to its end, but left out what it names

    \b
    Examples:
      liveresize import iaas --database postgresql://iaas@db/iaas --originals /opt/images
      liveresize import iaas --sqlite cache.sqlite --originals /opt/images --dry-run
    """
    if (database is None) == (sqlite is None):
        raise click.UsageError("Give one of --database and --sqlite.")
    settings = shared.load(yes)
    from liveresize.app import iaas, iaas_places
    from liveresize.compat.iaas import source
    from liveresize.compat.iaas.originals import Taking

    request = iaas.ImportRequest(
        url=database or source.sqlite_url(sqlite or Path()),
        directory=originals,
        taking=Taking(taking) if taking else None,
        dry_run=dry_run,
        left_out=left_out,
        settings_file=iaas_places.settings_file(os.environ),
    )
    shared.exchange(lambda say: iaas.main(settings, request, say), as_json)
