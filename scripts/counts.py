"""`scripts/corpus_counts`: what a server answers to a folder of pictures."""

import collections
import json
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from scripts.benchmarks import corpus, process

FORMATS = ("jpg", "png", "webp", "avif", "gif", "auto")

NO_PICTURES = {".md", ".tsv", ".jsonl"}
"""Suffixes of what a corpus says about its pictures."""

BROWSER = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
"""What Chromium accepts."""

SLOWEST = 120.0
"""Seconds after which an answer is given up."""


@dataclass(slots=True)
class Counts:
    """What has been answered: how often each reason, and the slowest refusal in seconds."""

    uploads: collections.Counter[str] = field(default_factory=collections.Counter)
    renditions: dict[str, collections.Counter[str]] = field(
        default_factory=lambda: {each: collections.Counter() for each in FORMATS}
    )
    slowest: tuple[float, str] = 0.0, "none"

    def refused(self, seconds: float, path: str) -> None:
        """Note how long a refusal took."""
        self.slowest = max(self.slowest, (seconds, path))


@click.command()
@click.argument(
    "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False
)
@click.option("--width", default=320, help="Pixels across of the renditions.")
@click.option(
    "--code",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=process.ROOT,
    help="A checkout whose server answers, such as an older one. Default: this one.",
)
def main(folder: Path | None, width: int, code: Path) -> None:
    """Count what becomes of the pictures in FOLDER (default: LIVERESIZE_CORPUS).

    Each is uploaded; what is answered 200 is asked for in every format, one after the other.
    Settings come from LIVERESIZE_… variables, such as LIVERESIZE_FORMATS__INPUT.
    """
    place = folder or corpus.FOLDER
    paths = [path for path in sorted(place.rglob("*")) if path.is_file()]
    pictures = [path for path in paths if path.suffix not in NO_PICTURES]
    if not pictures:
        raise click.ClickException(f"there are no pictures in {place}")
    counts = Counts()
    with (
        tempfile.TemporaryDirectory() as data,
        process.server(Path(data), root=code) as running,
        click.progressbar(list(enumerate(pictures)), label="asking") as numbered,
    ):
        for number, path in numbered:
            _ask(running.url, f"p{number}", path, width, counts)
    for line in table(counts):
        click.echo(line)


def table(counts: Counts) -> Sequence[str]:
    """The counts as lines of Markdown."""
    total, taken = counts.uploads.total(), counts.uploads["200"]
    lines = [f"| {total} uploads | files |", "| --- | ---: |"]
    lines += [f"| {reason} | {count} |" for reason, count in sorted(counts.uploads.items())]
    lines += ["", f"| renditions of those {taken} | 200 | else |", "| --- | ---: | --- |"]
    for name, found in counts.renditions.items():
        others = (
            f"{reason}: {count}" for reason, count in sorted(found.items()) if reason != "200"
        )
        lines.append(f"| {name} | {found['200']} | {'; '.join(others)} |")
    answers = sum(counts.renditions.values(), counts.uploads)
    failures = sum(count for reason, count in answers.items() if reason[0] in "05")
    seconds, path = counts.slowest
    last = f"{failures} answers of 5xx or none; slowest refusal {seconds * 1000:.0f} ms ({path})"
    return [*lines, "", last]


def _ask(url: str, name: str, path: Path, width: int, counts: Counts) -> None:
    """Upload one picture, and ask for its renditions."""
    data = json.dumps({"id": name}).encode()
    token = json.loads(_answer(urllib.request.Request(f"{url}/token", data, method="POST"))[1])
    head = {"X-Token": token["token"], "Content-Type": "image/jpeg"}  # whatever it is
    asked = urllib.request.Request(f"{url}/{name}", path.read_bytes(), head, method="POST")
    began = time.monotonic()
    reason = _reason(asked)
    counts.uploads[reason] += 1
    if reason != "200":
        counts.refused(time.monotonic() - began, path.name)
        return
    for extension in FORMATS:
        request = urllib.request.Request(f"{url}/{name}_{width}_0.{extension}")
        request.add_header("Accept", BROWSER)
        began = time.monotonic()
        reason = _reason(request)
        counts.renditions[extension][reason] += 1
        if reason != "200":
            counts.refused(time.monotonic() - began, f"{path.name} as {extension}")


def _reason(request: urllib.request.Request) -> str:
    """`200`, or the status with the code and the sentence that the answer gives."""
    status, body = _answer(request)
    if status == 200:
        return "200"
    try:
        said = json.loads(body)
    except ValueError:
        return str(status)
    return f"{status} {said.get('code')}: {said.get('error')}"


def _answer(request: urllib.request.Request) -> tuple[int, bytes]:
    """(status, body) behind all redirects; the status is 0 where nothing is answered."""
    try:
        with urllib.request.urlopen(request, timeout=SLOWEST) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
    except OSError:
        return 0, b""


if __name__ == "__main__":
    main()
