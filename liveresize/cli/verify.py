"""The command `verify`: check originals against their checksums."""

from typing import NoReturn

import click

from liveresize.cli import findings, options


@click.command()
@click.option("--repair", is_flag=True, help="Replace damaged files with copies from the mirror.")
@click.option("--mirror", is_flag=True, help="Check the copies in the mirror, too.")
@click.option("--here", is_flag=True, help="Check only files on this machine's disk.")
@click.option("--verbose", "-v", is_flag=True, help="Print each finding as soon as it is found.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a report.")
def verify(repair: bool, mirror: bool, here: bool, verbose: bool, as_json: bool) -> NoReturn:
    """Check every original against its recorded checksum.

    The server can run meanwhile; this command reads with a low disk priority. With --repair,
    damaged files are replaced with intact copies from the mirror. With --mirror and --repair,
    damaged or missing copies in the mirror are uploaded again. An original that is only in
    the mirror is not a finding: it was removed from the disk to make room, and is fetched
    when it is requested.

    Exits with 0 if all is well, 1 if findings are left, 2 if it could not finish.

    \b
    Examples:
      liveresize verify
      liveresize verify --mirror --repair
      liveresize verify --json > findings.json
    """
    from liveresize.app import maintenance
    from liveresize.maintenance import idle
    from liveresize.maintenance.verify import Options

    checks = Options(repair=repair, mirror=mirror, here=here)
    with idle.stepped_back():
        findings.run(
            lambda report: maintenance.verify(options.load(), checks, report),
            verbose=verbose,
            as_json=as_json,
        )
