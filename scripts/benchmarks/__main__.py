"""`scripts/bench`: measures this server on this machine and says what came out."""

import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass

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
    lists,
    lookups,
    memory,
    mixed,
    page,
    process,
    report,
    server,
    tls,
    vip,
    visual,
    work,
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


@dataclass(frozen=True)
class Chosen:
    """What all commands are told: the length of each load, and where results are written."""

    seconds: int
    place: report.Place | None


@click.group(invoke_without_command=True)
@click.option("--seconds", default=10, show_default=True, help="Length of each load.")
@click.option("--write", is_flag=True, help="Write the results to docs/benchmarks.md.")
@click.option(
    "--beside",
    metavar="MACHINE",
    help="Write them beside those that are there, under the name of this machine.",
)
@click.pass_context
def main(context: click.Context, seconds: int, write: bool, beside: str | None) -> None:
    """Measure hits, cold renders, a cold page, memory and the death of workers; all without a
    command.

    The pictures are those of the corpus (LIVERESIZE_CORPUS). `engine`, `server` and
    `knees` install peers into scratch/ and take longer, so they are asked for by name, as
    are `buckets`, which starts an S3 server, `lookups` and `lists`, which make millions of rows,
    `tls`, `http2` and `vip`, `visual`, and `memory`, which makes pictures of 108 megapixels.
    """
    # Being ended must end the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    place = report.Place(beside or "") if write or beside else None
    context.obj = Chosen(seconds, place)
    corpus.need()
    if context.invoked_subcommand not in ("engine", "memory", "visual"):
        if not wrk.available():
            raise click.ClickException("wrk is missing (Debian: apt-get install wrk)")
        click.echo(f"Our servers are measured with these limits lifted: {process.lifted()}.")
    if context.invoked_subcommand is None:
        for name, measure in MEASURES.items():
            report.rows(name, measure(seconds), place=place)


def _simple(name: str, measure: Callable[[int], list[report.Row]]) -> None:
    """Make the command that runs one of MEASURES."""

    @main.command(name, help=(measure.__doc__ or "").partition("\n")[0])
    @click.pass_obj
    def command(chosen: Chosen) -> None:
        report.rows(name, measure(chosen.seconds), place=chosen.place)


for _name, _measure in MEASURES.items():
    _simple(_name, _measure)


_simple("buckets", buckets.measure)
_simple("http2", http2.measure)
_simple("lookups", lookups.measure)
_simple("lists", lists.measure)
_simple("memory", memory.measure)
_simple("tls", tls.measure)
_simple("vip", vip.measure)


@main.command("visual")
@click.pass_obj
def visual_command(chosen: Chosen) -> None:
    """Bytes of quality=visual at equal SSIM, and how near max_bytes comes to its limit."""
    report.section("visual", visual.measure(), place=chosen.place)


@main.command("engine")
@click.option("--from", "inputs", multiple=True, help="Only sources of this format.")
@click.option("--to", "outputs", multiple=True, help="Only results of this format.")
@click.option("--size", "sizes", multiple=True, help='Only this size, as "fit 720".')
@click.option("--rounds", default=7, show_default=True, help="Rounds that count.")
@click.pass_obj
def engine_command(
    chosen: Chosen,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    sizes: tuple[str, ...],
    rounds: int,
) -> None:
    """One picture at a time against sharp, pyvips and Pillow."""
    if chosen.place is not None and (inputs or outputs or sizes):
        raise click.UsageError("the page takes all cases: leave out either --write or the choice")
    wanted = cases.cases(inputs, outputs, sizes)
    engine.run(wanted, rounds, place=chosen.place)


@main.command("server")
@click.option("--shape", "shapes", multiple=True, help='Only this one, as "widths" or "many".')
@click.option("--rounds", default=2, show_default=True, help="Rounds that count.")
@click.pass_obj
def server_command(chosen: Chosen, shapes: tuple[str, ...], rounds: int) -> None:
    """Cold renders through HTTP against sharp, ipx, thumbor and nginx."""
    if chosen.place is not None and shapes:
        raise click.UsageError("the page takes all shapes: leave out either --write or the choice")
    wanted = [shape for shape in work.shapes() if not shapes or shape.name in shapes]
    server.run(wanted, chosen.seconds, rounds, place=chosen.place)


@main.command("knees")
@click.option("--rounds", default=7, show_default=True, help="Rounds that count.")
@click.pass_obj
def knees_command(chosen: Chosen, rounds: int) -> None:
    """What each knob of decoders, encoders and the server costs and gives."""
    knees.run(chosen.seconds, rounds, place=chosen.place)


if __name__ == "__main__":
    sys.exit(main())
