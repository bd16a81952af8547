"""The commands `export`: give images back to another service."""

import os
import sys
from pathlib import Path

import click

from liveresize.cli import options
from liveresize.cli.import_iaas import LEFT_OUT


@click.group("export")
def export() -> None:
    """Export images to another service."""


@export.command()
@click.option(
    "--database",
    envvar="IAAS_DATABASE",
    metavar="URL",
    required=True,
    help="Its PostgreSQL database: postgresql://user:password@host/name.  [env: IAAS_DATABASE]",
)
@click.option(
    "--originals",
    type=options.FilePath(exists=True, file_okay=False, writable=True, path_type=Path),
    required=True,
    help="Its folder with the originals.",
)
@click.option(
    "--delete", is_flag=True, help="Also remove there what was deleted here (in the last 30 days)."
)
@click.option("--dry-run", is_flag=True, help="Change nothing; count what would be exported.")
@click.option(
    "--yes", "-y", is_flag=True, help="Export the built-in folder without a configuration."
)
def iaas(database: str, originals: Path, delete: bool, dry_run: bool, yes: bool) -> None:
    """Export to Live Image Resize (iaas): the way back.

    Writes what it does not have into its folder and its tables: originals (upright, since it
    ignores the EXIF orientation), their ids as used, and links to renditions in the bucket.
    It can run while liveresize is serving. You can stop it and run it again at any time: it
    adds what is missing. Open tokens are not exported, because only their digest is stored.

    \b
    Exit codes:
      0  everything is there
      1  it had to stop; run it again
      2  a wrong option, or no configuration
      3  it came to its end, but left out what it names

    \b
    Examples:
      liveresize export iaas --originals /opt/images --dry-run
      liveresize export iaas --database postgresql://iaas@db/iaas --originals /opt/images
    """
    settings = options.load()
    from liveresize.app import iaas_export, iaas_places

    if not (yes or iaas_places.configured(settings)):
        raise click.UsageError(iaas_places.NOT_CONFIGURED)
    if unread := iaas_places.unread(os.environ):
        click.echo(f"liveresize: {unread}", err=True)
    request = iaas_export.ExportRequest(
        url=database, directory=originals, dry_run=dry_run, delete=delete
    )
    if not iaas_export.main(settings, request, click.echo):
        sys.exit(LEFT_OUT)


@export.command()
def vip() -> None:
    """List what vip cannot resize.

    vip finds everything else in its buckets: there is nothing to export. It answers 500 to sizes
    of WebP, AVIF, HEIC and JPEG XL. Remove these formats from formats.input before you upload, if
    you may go back to vip.

    Exits with 3 if there are such originals.

    \b
    Examples:
      liveresize export vip
    """
    settings = options.load()
    from liveresize.app import vip_export

    if not vip_export.main(settings, click.echo):
        sys.exit(LEFT_OUT)
