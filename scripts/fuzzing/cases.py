"""The process that runs cases, and what it leaves behind of those that went wrong."""

import hashlib
import logging
import multiprocessing
import pathlib
import random
import resource
import signal
import time
import traceback
from multiprocessing.context import SpawnProcess

import click

from scripts.fuzzing import mutations, targets

MEMORY = 616 * 2**20
"""Bytes of address space: a worker's own limit."""

PATIENCE = 10
"""Seconds that one case may take."""


class TooSlowError(Exception):
    """A case took longer than PATIENCE."""


def start(names: tuple[str, ...], seed: int, seconds: float, into: pathlib.Path) -> SpawnProcess:
    """A child that runs cases for so long."""
    child = multiprocessing.get_context("spawn").Process(
        target=run, args=(names, seed, seconds, into)
    )
    child.start()
    return child


def run(names: tuple[str, ...], seed: int, seconds: float, into: pathlib.Path) -> None:
    """Run cases of the targets in turn until the time is up."""
    # The form parser tells of every flaw.
    logging.disable()
    known = targets.all_targets()
    chosen = {name: known[name] for name in names}
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, _too_slow)
    chance = random.Random(seed)  # noqa: S311 - no secrets
    order = [name for name, target in chosen.items() for _ in range(target.share)]
    until, done = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        name = chance.choice(order)
        case = mutations.mutated(chance.choice(chosen[name].seeds), chosen[name].seeds, chance)
        one(name, case, chosen[name], into)
        done += 1
    click.echo(f"{done} cases, {done / seconds:.0f} a second")


def _too_slow(*_: object) -> None:
    raise TooSlowError


def one(name: str, case: bytes, target: targets.Target, into: pathlib.Path) -> None:
    """Run one case; a finding is kept and told."""
    # First of all, in case nothing else is left of it.
    (into / "last").write_bytes(case)
    (into / "name").write_text(name)
    signal.alarm(PATIENCE)
    try:
        targets.harmless(target, case)
    except BaseException as exc:
        if isinstance(exc, KeyboardInterrupt | SystemExit):
            raise
        path = keep(name, case, into)
        path.with_suffix(".txt").write_text(traceback.format_exc())
        click.echo(f"{name}: {type(exc).__name__}: {exc} ({path})")
    finally:
        signal.alarm(0)


def keep(name: str, case: bytes, into: pathlib.Path) -> pathlib.Path:
    """The file that a finding is kept in."""
    path = into / f"{name}-{hashlib.sha256(case).hexdigest()[:12]}"
    path.write_bytes(case)
    return path
