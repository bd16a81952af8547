"""`python -m tests.crashes.program STEP`: a server that kills itself at one step.

STEP is a name of STEPS with `before:` or `after:` in front, or `none` for a server that
lives. Either has a housekeeping that is never far off, and an index that may take its
time: a busy machine is not a database that is away. Workers import this module too, so
that all else is imported in functions.
"""

import functools
import importlib
import inspect
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

STEPS = {
    "claim": "liveresize.storage.index.tokens:SqlTokens.claim",
    "extend": "liveresize.storage.index.tokens:SqlTokens.extend",
    "create-parts": "liveresize.storage.partials:DiskPartials.create",
    "note-parts": "liveresize.storage.partials:DiskPartials.write_note",
    "append-parts": "liveresize.storage.partials:DiskPartials.append",
    "sync-parts": "liveresize.storage.partials:DiskPartials.sync",
    "cut-parts": "liveresize.storage.partials:DiskPartials.truncate",
    "hash-parts": "liveresize.storage.partials:DiskPartials.sha256",
    "remove-bytes": "liveresize.storage.partials:DiskPartials.remove_bytes",
    "body": "liveresize.uploads.bodies:Body.flush",
    "clean": "liveresize.workers:WorkerPool.run",
    "rename": "pathlib:Path.rename",
    "sync": "liveresize.storage.files:sync_file",
    "keep": "liveresize.storage.originals:DiskOriginals.keep",
    "mirror": "liveresize.storage.mirror:S3Mirror.put",
    "commit": "liveresize.storage.index.tokens:SqlTokens.complete",
    "insert": "liveresize.storage.index.tokens:SqlTokens.complete.__wrapped__",
    "settle": "liveresize.storage.originals:DiskOriginals.settle",
    "withdraw": "liveresize.storage.originals:DiskOriginals.remove",
    "abort": "liveresize.uploads.pipeline:StagedUpload._abort",
    "retire": "liveresize.uploads.generation_cleanup:GenerationCleanup.remove",
    "retire-here": "liveresize.uploads.generation_cleanup:GenerationCleanup._remove_here",
    "retire-shared": "liveresize.storage.s3:S3Renditions.remove_generation",
    "finish": "liveresize.uploads.pipeline:StagedUpload._finish",
    "spool": "liveresize.storage.spool:DiskSpool.put",
    "store-disk": "liveresize.storage.disk:DiskRenditions.publish_all",
    "store-s3": "liveresize.storage.s3:S3Renditions.publish",
    "link": "liveresize.storage.index.links:SqlLinks.add_all",
    "insert-link": "liveresize.storage.index.links:SqlLinks.add_all.__wrapped__",
    "inherit": "liveresize.storage.index.links:SqlLinks.add",
    "insert-inherit": "liveresize.storage.index.links:SqlLinks.add.__wrapped__",
    "unspool": "liveresize.storage.spool:DiskSpool.remove",
    "delete": "liveresize.storage.index.originals:SqlOriginalRows.delete",
    "note-here": "liveresize.storage.index.erasures:SqlErasures.removed_here",
    "note-stores": "liveresize.storage.index.erasures:SqlErasures.removed_from_stores",
    "hide": "liveresize.storage.originals:DiskOriginals.hide",
    "show": "liveresize.storage.originals:DiskOriginals.show",
    "change": "liveresize.storage.index.originals:SqlOriginalRows.change",
    "insert-change": "liveresize.storage.index.originals:SqlOriginalRows.change.__wrapped__",
    "expire": "liveresize.storage.index.originals:SqlOriginalRows.expire",
    "insert-expire": "liveresize.storage.index.originals:SqlOriginalRows.expire.__wrapped__",
    "end-expired": "liveresize.storage.index.originals:SqlOriginalRows.end_expired",
    "insert-end": "liveresize.storage.index.originals:SqlOriginalRows.end_expired.__wrapped__",
    "hide-here": "liveresize.uploads.generation_cleanup:GenerationCleanup.hide_here",
    "clear-hidden": "liveresize.uploads.generation_cleanup:GenerationCleanup._clear_hidden",
    "announce": "liveresize.notifications.courier:Courier._attempt",
    "announced": "liveresize.storage.index.deliveries:SqlDeliveries.remove",
    "adopt": "liveresize.storage.index.originals:SqlOriginalRows.adopt",
    "insert-adopt": "liveresize.storage.index.originals:adopt",
    "recover": "liveresize.uploads.token_uploads:Uploads.recover",
    "unmirror": "liveresize.storage.mirror:S3Mirror.remove",
    "remove-picture": "liveresize.compat.vip.buckets:VipRenditions.remove_picture",
    "store-vip": "liveresize.compat.vip.buckets:VipRenditions.publish",
    "look": "liveresize.compat.vip.buckets:VipRenditions.find_foreign",
    "take": "liveresize.compat.vip.buckets:VipOriginals.take",
    "take-over": "liveresize.storage.index.originals:SqlOriginalRows.take_over",
    "fetch": "liveresize.compat.vip.buckets:VipOriginals.fetch",
    "restore": "liveresize.storage.originals:DiskOriginals.restore",
    "evict": "liveresize.storage.originals:DiskOriginals.discard",
}
"""What runs at each step, as module:attribute; `__wrapped__` is a write within its transaction."""

OFTEN = 0.3
"""Seconds between rounds of housekeeping, which take half a minute otherwise."""

PATIENCE = 20.0

SPARED = ("heard.json", "unclean")
"""Written by housekeeping, which may begin before the server has started, and by the start
itself: no step of a job."""


def die() -> None:
    """kill -9, by our own hand."""
    os.kill(os.getpid(), signal.SIGKILL)


def deadly(step: Callable[..., Any], when: str) -> Callable[..., Any]:
    """`step`, which nobody survives."""

    @functools.wraps(step)
    async def awaited(*args: Any, **kwargs: Any) -> None:
        if when == "after":
            await step(*args, **kwargs)
        die()

    @functools.wraps(step)
    def called(*args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], Path) and args[0].name.startswith(SPARED):
            return step(*args, **kwargs)
        if when == "after":
            step(*args, **kwargs)
        return die()

    return awaited if inspect.iscoroutinefunction(step) else called


def arm(step: str) -> None:
    """Let the server die `before:` or `after:` that step."""
    when, _, name = step.partition(":")
    module, _, attribute = STEPS[name].partition(":")
    owner = importlib.import_module(module)
    attribute, within, _ = attribute.partition(".__wrapped__")
    *classes, function = attribute.split(".")
    for each in classes:
        owner = getattr(owner, each)
    method = getattr(owner, function)
    if within:
        from liveresize.storage.index import repository

        setattr(owner, function, repository.write(deadly(method.__wrapped__, when)))
    else:
        setattr(owner, function, deadly(method, when))


def hurry() -> None:
    """Keep house often, and let the index take its time."""
    from liveresize.app import container, lifecycle
    from liveresize.maintenance import orphans

    patient = functools.partial(container.make_database, lookup_budget=PATIENCE, budget=PATIENCE)
    for module, names in (
        (lifecycle, ("_LISTEN_EVERY", "_TIDY_EVERY")),
        (orphans, ("_GRACE", "_REST")),
    ):
        for name in names:
            assert getattr(module, name) > OFTEN
            setattr(module, name, OFTEN)
    setattr(container, "make_database", patient)  # noqa: B010 (mypy forbids it said plainly)


def main() -> None:
    """Serve."""
    step = sys.argv[1]
    hurry()
    if step != "none":
        arm(step)
    from liveresize import cli

    cli.main(["serve"])


if __name__ == "__main__":
    main()
