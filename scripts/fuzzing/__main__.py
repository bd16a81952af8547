"""`scripts/fuzz`: run mutations against every target, and keep what should not happen.

Cases run in a child process under a worker's memory limit, so that a crash is found as
surely as an exception. Everything found is kept, one file a case.
"""

import hashlib
import pathlib
import random
import sys
import time

import click

from scripts.fuzzing import cases, targets


@click.command()
@click.option("--seconds", default=60, show_default=True, help="How long to go on.")
@click.option("--seed", default=0, help="Repeat the cases of this number; 0 takes a new one.")
@click.option(
    "--only", multiple=True, help="Targets: render, intake, url, bucket, signature, form, settings."
)
@click.option("--into", default="scratch/fuzz", show_default=True, help="Where findings lie.")
@click.option("--repeat", type=click.Path(exists=True), help="Run one kept case again.")
@click.option("--atheris", is_flag=True, help="Guided by coverage; wants one --only and atheris.")
def main(
    seconds: int, seed: int, only: tuple[str, ...], into: str, repeat: str | None, atheris: bool
) -> None:
    """Feed broken input to everything that reads what strangers send."""
    known = targets.all_targets()
    chosen = {name: known[name] for name in only or known}
    if repeat:
        name = pathlib.Path(repeat).name.partition("-")[0]
        targets.harmless(known[name], pathlib.Path(repeat).read_bytes())
        return
    findings = pathlib.Path(into)
    findings.mkdir(parents=True, exist_ok=True)
    if atheris:
        guided(chosen[only[0]], seconds, findings)
        return
    seed = seed or random.SystemRandom().randrange(1, 2**32)
    click.echo(f"seed {seed}, {seconds} s, targets {', '.join(chosen)}")
    found = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        child = cases.start(tuple(chosen), seed, until - time.monotonic(), findings)
        child.join()
        if child.exitcode == 0:
            break
        found += 1
        click.echo(f"the process ended with {child.exitcode}: see {findings / 'last'}")
        cases.keep((findings / "name").read_text(), (findings / "last").read_bytes(), findings)
        seed += 1
    found += sum(1 for _ in findings.glob("*.txt"))
    click.echo(f"{found} findings" if found else "nothing found")
    sys.exit(bool(found))


def guided(target: targets.Target, seconds: int, findings: pathlib.Path) -> None:
    """Let atheris choose the cases by what they reach."""
    import atheris  # type: ignore[import-untyped]

    corpus = findings / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds:
        (corpus / hashlib.sha256(seed).hexdigest()[:12]).write_bytes(seed)
    arguments = [
        "fuzz",
        f"-max_total_time={seconds}",
        f"-artifact_prefix={findings}/",
        str(corpus),
    ]
    atheris.instrument_all()
    atheris.Setup(arguments, lambda data: targets.harmless(target, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
