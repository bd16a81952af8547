"""`scripts/bench`: measures this server on this machine and says what came out."""

import signal
import sys
from collections.abc import Callable

import click

from scripts.benchmarks import (
    buckets,
    cases,
    cold,
    corpus,
    deaths,
    engine,
    hits,
    http2,
    knees,
    lookups,
    mixed,
    page,
    process,
    report,
    server,
    tls,
    vip,
    wrk,
)

MEASURES: dict[str, Callable[[int], list[report.Row]]] = {
    "hits": hits.measure,
    "cold": cold.measure,
    "page": page.measure,
    "mixed": mixed.measure,
    "deaths": deaths.measure,
}
"""What is run without a command: minutes, and nothing is installed."""


@click.group(invoke_without_command=True)
@click.option("--seconds", default=10, show_default=True, help="Length of each load.")
@click.option("--write", is_flag=True, help="Write the results to docs/benchmarks.md.")
@click.pass_context
def main(context: click.Context, seconds: int, write: bool) -> None:
    """Measure hits, cold renders, a cold page, memory and the death of workers; all without a
    command.

    The pictures are those of the corpus (LIVERESIZE_CORPUS). `engine`, `server` and
    `knees` install peers into scratch/ and take longer, so they are asked for by name, as
    are `buckets`, which starts an S3 server, `lookups`, which makes millions of rows, `tls`,
    `http2` and `vip`.
    """
    # Being ended must end the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    context.obj = {"seconds": seconds, "write": write}
    corpus.need()
    if context.invoked_subcommand != "engine":
        if not wrk.available():
            raise click.ClickException("wrk is missing (Debian: apt-get install wrk)")
        click.echo(f"Our servers are measured with these limits lifted: {process.lifted()}.")
    if context.invoked_subcommand is None:
        for name, measure in MEASURES.items():
            report.rows(name, measure(seconds), write=write)


def _simple(name: str, measure: Callable[[int], list[report.Row]]) -> None:
    """Make the command that runs one of MEASURES."""

    @main.command(name, help=(measure.__doc__ or "").partition("\n")[0])
    @click.pass_obj
    def command(options: dict[str, int]) -> None:
        report.rows(name, measure(options["seconds"]), write=bool(options["write"]))


for _name, _measure in MEASURES.items():
    _simple(_name, _measure)


_simple("buckets", buckets.measure)
_simple("http2", http2.measure)
_simple("lookups", lookups.measure)
_simple("tls", tls.measure)
_simple("vip", vip.measure)


@main.command("engine")
@click.option("--from", "inputs", multiple=True, help="Only sources of this format.")
@click.option("--to", "outputs", multiple=True, help="Only results of this format.")
@click.option("--size", "sizes", multiple=True, help='Only this size, as "fit 720".')
@click.option("--rounds", default=7, show_default=True, help="Rounds that count.")
@click.pass_obj
def engine_command(
    options: dict[str, int],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    sizes: tuple[str, ...],
    rounds: int,
) -> None:
    """One picture at a time against sharp, pyvips and Pillow."""
    if options["write"] and (inputs or outputs or sizes):
        raise click.UsageError("the page takes all cases: leave out either --write or the choice")
    wanted = cases.cases(inputs, outputs, sizes)
    engine.run(wanted, rounds, write=bool(options["write"]))


@main.command("server")
@click.option("--rounds", default=2, show_default=True, help="Rounds that count.")
@click.pass_obj
def server_command(options: dict[str, int], rounds: int) -> None:
    """Cold renders through HTTP against sharp, ipx, thumbor and nginx."""
    server.run(options["seconds"], rounds, write=bool(options["write"]))


@main.command("knees")
@click.option("--rounds", default=7, show_default=True, help="Rounds that count.")
@click.pass_obj
def knees_command(options: dict[str, int], rounds: int) -> None:
    """What each knob of decoders, encoders and the server costs and gives."""
    knees.run(options["seconds"], rounds, write=bool(options["write"]))


if __name__ == "__main__":
    sys.exit(main())
