"""`scripts/soak`: kill -9 again and again while pictures come and go, then count them.

Real servers on one disk, or on PostgreSQL and S3 (moto), both started for the run. Exit
code 1 where anything was lost, left over, or led to nothing.
"""

import contextlib
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import click

from scripts.soaking import backends
from scripts.soaking.siege import Siege


@click.command()
@click.option("--cycles", default=200, show_default=True, help="How many kills.")
@click.option("--store", type=click.Choice(["disk", "s3"]), default="disk", show_default=True)
@click.option("--seconds", default=0.0, help="Stop killing after that long; 0 does not.")
@click.option("--seed", default=0, help="Repeat the kills of this number; 0 takes a new one.")
def main(cycles: int, store: str, seconds: float, seed: int) -> None:
    """Kill servers and workers during uploads and renders, and see what is lost."""
    seed = seed or random.SystemRandom().randrange(1, 2**32)
    click.echo(f"seed {seed}, {cycles} kills, {store}; load {os.getloadavg()[0]:.1f}")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as above, contextlib.ExitStack() as stack:
        folder = Path(above) / "server"
        used = stack.enter_context(backends.cloud()) if store == "s3" else backends.disk(folder)
        siege = Siege(used, folder, seed)
        tally = siege.run(cycles, seconds, lambda line: click.echo(line, err=True))
    for what, value in [*tally.lines(), ("seconds", f"{time.monotonic() - began:.0f}")]:
        click.echo(f"{what:45} {value}")
    for wrong in tally.wrong:
        click.echo(f"WRONG: {wrong}")
    sys.exit(bool(tally.wrong))


if __name__ == "__main__":
    main()
