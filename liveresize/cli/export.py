"""The commands `export`: give images back to another service."""

from pathlib import Path

import click

from liveresize.cli import iaas as shared
from liveresize.cli import options


@click.group("export")
def export() -> None:
    """Export images to another service."""


@export.command()
@shared.database(required=True)
@shared.originals(writable=True)
@click.option(
    "--delete", is_flag=True, help="Also remove there what was deleted here (in the last 30 days)."
)
@shared.dry_run("exported")
@shared.yes("Export")
@options.JSON
def iaas(
    database: str, originals: Path, delete: bool, dry_run: bool, yes: bool, as_json: bool
) -> None:
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
    settings = shared.load(yes)
    from liveresize.app import iaas_export

    request = iaas_export.ExportRequest(
        url=database, directory=originals, dry_run=dry_run, delete=delete
    )
    shared.exchange(lambda say: iaas_export.main(settings, request, say), as_json)


@export.command()
@options.JSON
def vip(as_json: bool) -> None:
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

    shared.exchange(lambda say: vip_export.main(settings, say), as_json)
