"""The command `upload`: upload files to a running server."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from liveresize import errors
from liveresize.cli import options

if TYPE_CHECKING:
    from liveresize.cli import client

PICTURES = frozenset(
    {".jpg", ".jpeg", ".jfif", ".jpe", ".png", ".webp", ".gif", ".avif", ".heic", ".heif"}
    | {".jxl", ".tif", ".tiff", ".bmp"}
)
"""Extensions of the files that are taken out of a folder."""


@click.command()
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=options.FilePath(exists=True, readable=True, path_type=Path),
)
@click.option(
    "--id", "id_", metavar="ID", help="Name of the image.  [default: made of the name of FILE]"
)
@options.URL
@options.SECRET
@options.OVERWRITE
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document for each file.")
def upload(
    files: Sequence[Path],
    id_: str | None,
    url: str | None,
    secret: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Upload each FILE to a running server and print the URLs of its image.

    A folder stands for all pictures in it and below it, by their extensions; other files and
    hidden ones are skipped, and counted. The id of an image is the name of its file without the
    extension; what an id cannot have becomes a hyphen, and a second file of that name in one run
    gets `-2`. An id that is taken stays as it is, unless --overwrite is given.

    Exits with 1 if a file could not be uploaded; the others are.

    \b
    Examples:
      liveresize upload cat.jpg
      liveresize upload holiday.png --id beach --url images.example.com:8080
      liveresize upload photos/ more/*.jpg --json > uploaded.jsonl
    """
    from liveresize.cli import client
    from liveresize.core import names
    from liveresize.observe import progress

    chosen, skipped = _files(files)
    if id_ is not None and len(chosen) != 1:
        raise click.UsageError(f"--id names one image, and there are {len(chosen)}.")
    if not chosen:
        raise click.UsageError(f"There is no picture in these folders{_skipped(skipped)}.")
    server = options.upload_server(url, secret)
    single = len(files) == len(chosen) == 1 and files[0] == chosen[0]
    if single:
        name = names.id_of_file(chosen[0].name) if id_ is None else id_
        try:
            uploaded = _upload(server, chosen[0], name, overwrite)
        except errors.LiveResizeError as error:
            raise errors.LiveResizeError(_failure(chosen[0], name, error)) from error
        lines = [json.dumps(uploaded.receipt), *uploaded.urls]
        options.report(as_json, uploaded.document(), *lines)
        return
    failed = taken = 0
    with progress.bar("uploading", len(chosen)) as bar:
        for file, name in _named(chosen):
            try:
                uploaded = _upload(server, file, name, overwrite)
            except errors.LiveResizeError as error:
                code = error.said if isinstance(error, client.RefusedByServer) else ""
                if code == errors.IdTaken.code:
                    taken += 1
                else:
                    failed += 1
                if as_json:
                    document = {"file": str(file), "id": name, "error": error.public, "code": code}
                    progress.write(options.json_text(document))
                progress.note(_failure(file, name, error))
            else:
                document = uploaded.document()
                progress.write(options.json_text(document) if as_json else uploaded.line())
            bar.update(1)
    summary = f"{len(chosen) - failed - taken} uploaded, {failed} failed"
    if taken:
        summary += f", {taken} with an id that is taken (--overwrite replaces an image)"
    click.echo(summary + _skipped(skipped), err=as_json)
    sys.exit(1 if failed or taken else 0)


def _files(paths: Sequence[Path]) -> tuple[list[Path], int]:
    """Return the files, and those of folders in the order of their names.

    The number is that of the files in folders that are hidden, or no pictures by their extensions.
    """
    chosen: list[Path] = []
    skipped = 0
    for path in paths:
        if not path.is_dir():
            chosen.append(path)
            continue
        for file in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
            if not file.is_file():
                continue
            if file.suffix.lower() in PICTURES and not hidden:
                chosen.append(file)
            else:
                skipped += 1
    return chosen, skipped


def _skipped(count: int) -> str:
    return f", {count} skipped (hidden, or no picture by the extension)" if count else ""


def _printable(file: Path) -> str:
    from liveresize.core import names

    return names.printable(str(file))


def _failure(file: Path, name: str, error: errors.LiveResizeError) -> str:
    """Return why a file is not uploaded, with the id that its image would have."""
    return f"{_printable(file)} → {name}: {error.public}"


def _named(files: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Yield each file with an id that no other one of them has."""
    from liveresize.core import names

    taken: set[str] = set()
    for file in files:
        first = name = names.id_of_file(file.name)
        number = 1
        while name in taken:
            number += 1
            name = f"{first}-{number}"
        taken.add(name)
        yield file, name


@dataclass(frozen=True, slots=True)
class _Uploaded:
    """A file, the id of its image, the answer of the server, and the URLs of the image."""

    file: Path
    name: str
    receipt: dict[str, Any]
    urls: list[str]

    def document(self) -> dict[str, Any]:
        return {**self.receipt, "id": self.name, "file": str(self.file), "urls": self.urls}

    def line(self) -> str:
        return f"{_printable(self.file)} → {self.name}  {self.urls[0]}"


def _upload(server: "client.Server", file: Path, name: str, overwrite: bool) -> _Uploaded:
    """Upload one file. Raises LiveResizeError."""
    from liveresize.cli import client

    granted = client.token(server, name, overwrite=overwrite)
    receipt = client.upload(server, name, file, granted)
    return _Uploaded(file, name, receipt, client.addresses(server, name, receipt))
