"""Send the requests of a sample to both sides, and compare what they answer."""

import asyncio
import contextlib
import dataclasses
import json
import multiprocessing
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TextIO

from tornado import httpclient

from liveresize import errors
from liveresize.core import streams
from liveresize.maintenance.compare import answers, similarity
from liveresize.maintenance.compare.differences import Limits, Row, Summary
from liveresize.maintenance.compare.sheet import Sheet

REPORT, SHEET = "report.jsonl", "sheet.png"
"""Files of the folder that a comparison writes: a row a request, and the worst pairs."""


class Comparison:
    """Compares the answers of `old` and `new`, and writes what it finds to `folder`.

    `old` is the URL of a server or the path of a report, `new` the URL of a server; `headers` are
    sent to both. `on_difference` is called with each row that differs.
    """

    def __init__(
        self,
        old: str,
        new: str,
        limits: Limits,
        folder: Path,
        *,
        headers: Mapping[str, str],
        width: int,
        on_difference: Callable[[Row], object],
    ) -> None:
        self._old, self._new = old, new
        self._headers = headers
        self._width = width
        self._folder = folder
        self._limits = limits
        self._on_difference = on_difference
        self.summary = Summary(limits)
        self._sheet = Sheet()

    async def run(
        self, targets: Sequence[tuple[str, int]], done: Callable[[int], object]
    ) -> list[Path]:
        """Compare all `targets`, each with its number of lines; return the files written.

        `done` is called with the number of new results.

        Raises LiveResizeError if a server cannot be reached, or the folder not be written.
        """
        recording = None if "://" in self._old else answers.Recording.read(Path(self._old))
        report_file, sheet_file = self._folder / REPORT, self._folder / SHEET
        try:
            # Files of an earlier comparison stay until this one is complete.
            with _report(report_file) as report:
                await self._compare_all(targets, recording, report, done)
                if not self.summary.requests:
                    raise errors.LiveResizeError("No request could be compared.")
            drawn = await asyncio.to_thread(self._sheet.save, sheet_file)
            if not drawn:
                sheet_file.unlink(missing_ok=True)
        except OSError as error:
            where = error.filename or self._folder
            raise errors.LiveResizeError(f"{where} cannot be written: {error.strerror}.") from error
        return [report_file, sheet_file] if drawn else [report_file]

    async def _compare_all(
        self,
        targets: Sequence[tuple[str, int]],
        recording: answers.Recording | None,
        report: TextIO,
        done: Callable[[int], object],
    ) -> None:
        client = httpclient.AsyncHTTPClient(force_instance=True, max_clients=2 * self._width)
        new = answers.Server(self._new, self._headers, client)
        old = recording or answers.Server(self._old, self._headers, client)
        spawn = multiprocessing.get_context("spawn")
        try:
            with ProcessPoolExecutor(2, spawn, similarity.prepare) as judges:

                async def compare(item: tuple[str, int]) -> None:
                    compared = await _compare(item, old, new, self._limits, judges)
                    if compared is None:
                        self.summary.unknown += 1
                    else:
                        self._take(*compared, report)
                    done(1)

                await streams.for_each(_each(targets), compare, self._width)
        finally:
            client.close()

    def _take(self, row: Row, pair: similarity.Pair, report: TextIO) -> None:
        self.summary.add(row)
        self._sheet.add(row, pair)
        report.write(json.dumps(dataclasses.asdict(row), ensure_ascii=False) + "\n")
        if row.differences:
            self._on_difference(row)


@contextlib.contextmanager
def _report(file: Path) -> Iterator[TextIO]:
    """Open a new report, which takes the place of `file` if nothing fails."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.new")
    try:
        with new.open("w", encoding="utf-8") as report:
            yield report
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


async def _each(targets: Sequence[tuple[str, int]]) -> AsyncIterator[tuple[str, int]]:
    for item in targets:
        yield item


async def _compare(
    item: tuple[str, int],
    old: answers.Source,
    new: answers.Source,
    limits: Limits,
    judges: ProcessPoolExecutor,
) -> tuple[Row, similarity.Pair] | None:
    """Return one row and its pictures; None if the old answer was not recorded."""
    target, count = item
    before, after = await asyncio.gather(old.answer(target), new.answer(target))
    if before is None or after is None:
        return None
    pair = await asyncio.get_running_loop().run_in_executor(
        judges, similarity.look, _picture(*before), _picture(*after)
    )
    old_answer = before[0].seen_as(pair.old) if before[1] else before[0]
    new_answer = after[0].seen_as(pair.new)
    differences = limits.differences(old_answer, new_answer, pair.ssim)
    return Row(target, count, old_answer, new_answer, pair.ssim, differences), pair


def _picture(answer: answers.Answer, body: bytes) -> bytes:
    """Return the body where it may be a picture."""
    return body if answer.status == 200 else b""
