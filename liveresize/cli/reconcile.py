"""The command `reconcile`: compare the database with the stored files."""

from typing import NoReturn

import click

from liveresize.cli import findings, options


@click.command()
@click.option("--repair", is_flag=True, help="Repair the findings instead of only reporting them.")
@click.option(
    "--adopt",
    "strays",
    flag_value="ADOPT",
    help="Create the missing rows, for the newest version of each original without a row.",
)
@click.option(
    "--remove",
    "strays",
    flag_value="REMOVE",
    help="Delete originals without a row.",
)
@click.option(
    "--this-is-all",
    is_flag=True,
    help="No other instance has originals on its disk: originals not found here are lost.",
)
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    default=3600.0,
    show_default=True,
    metavar="SECONDS",
    help="Ignore files without a row that are younger than this: they may be uploads in progress.",
)
@click.option("--verbose", "-v", is_flag=True, help="Print every finding, not only the first 20.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def reconcile(
    repair: bool, strays: str | None, this_is_all: bool, grace: float, verbose: bool, as_json: bool
) -> NoReturn:
    """Compare the database with the stored files, for example after a restore.

    Finds lost images (a row without a file), originals without a row, wrong records of what
    the mirror has, links without objects, objects without links, and applications with a wrong
    count of their images. Servers can run meanwhile.
    You can stop the command and run it again at any time.

    --repair deletes the rows of lost images, as DELETE does. If instances share PostgreSQL,
    it does so only with --this-is-all, because the file may be on another instance's disk.
    Originals that are missing in the mirror are uploaded by the server that has the file.
    Images in vip's buckets are only reported; nothing in those buckets is changed.

    Originals without a row are only reported unless you give --adopt or --remove, because a
    backup of the disk may have brought back deleted images. If another version of a lost
    image is stored, its row is kept until you decide.

    Exits with 0 if all is well, 1 if findings are left, 2 if it could not finish.

    \b
    Examples:
      liveresize reconcile
      liveresize reconcile --repair --adopt
      liveresize reconcile --json > findings.json
    """
    if strays is not None and not repair:
        raise click.UsageError("--adopt and --remove are ways to --repair: give that too.")
    from liveresize.app import maintenance
    from liveresize.maintenance.reconcile.parts import Options, OrphanPolicy

    checks = Options(
        repair=repair,
        strays=OrphanPolicy[strays or "REPORT"],
        this_is_all=this_is_all,
        grace=grace,
    )
    findings.run(
        lambda report: maintenance.reconcile(options.load(), checks, report),
        verbose=verbose,
        as_json=as_json,
    )
