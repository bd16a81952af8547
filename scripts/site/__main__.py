"""`scripts/docs`: write what is generated, build the site, check its links."""

import asyncio
import sys
import time

import click

from scripts.benchmarks.process import ROOT
from scripts.site import build, links, pictures, written


@click.command()
@click.option("--pictures", "again", is_flag=True, help="Have a server render docs/urls/ anew.")
@click.option("--external", is_flag=True, help="Ask for the addresses outside, too.")
def main(*, again: bool, external: bool) -> None:
    """Build docs/ into build/site/, and look at every link.

    Exits with 1 where a page has a fault, a link leads nowhere, or something would be
    loaded from outside.
    """
    if again:
        taken = pictures.take()
        click.echo(f"{len(taken)} pictures, {sum(path.stat().st_size for path in taken):,} bytes")
    for path, text in written.files().items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            click.echo(f"{path.relative_to(ROOT)} written")
    began = time.monotonic()
    try:
        build.build()
    except build.BuildFailed as failed:
        raise click.ClickException(str(failed)) from failed
    report = links.check(build.SITE)
    if external:
        report.broken += asyncio.run(links.ask(sorted(report.external)))
    _tell(report)
    click.echo(f"build/site/index.html in {time.monotonic() - began:.0f} s")
    sys.exit(bool(report.broken or report.loaded))


def _tell(report: links.Report) -> None:
    for address, count in sorted(report.external.items()):
        click.echo(f"outside: {address} ({count})")
    for what, number in report.lines():
        click.echo(f"{what:36} {number:6,}")
    for broken in report.broken:
        click.echo(f"BROKEN: {broken}")
    for loaded in report.loaded:
        click.echo(f"LOADED FROM OUTSIDE: {loaded}")


if __name__ == "__main__":
    main()
