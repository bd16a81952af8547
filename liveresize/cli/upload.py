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

    A folder stands for all pictures in it and below it, by their extensions; hidden files and
    folders are left out. The id of an image is the name of its file without the extension; what
    an id cannot have becomes a hyphen, and a second file of that name in one run gets `-2`.

    Exits with 1 if a file could not be uploaded; the others are.

    \b
    Examples:
      liveresize upload cat.jpg
      liveresize upload holiday.png --id beach --url images.example.com:8080
      liveresize upload photos/ more/*.jpg --json > uploaded.jsonl
    """
    from liveresize.observe import progress

    chosen = list(_files(files))
    if id_ is not None and len(chosen) != 1:
        raise click.UsageError(f"--id names one image, and there are {len(chosen)}.")
    if not chosen:
        raise click.UsageError("There is no picture in these folders.")
    server = options.upload_server(url, secret)
    single = len(files) == len(chosen) == 1 and files[0] == chosen[0]
    if single:
        uploaded = _upload(server, chosen[0], id_, overwrite)
        lines = [json.dumps(uploaded.receipt), *uploaded.urls]
        click.echo(uploaded.as_json() if as_json else "\n".join(lines))
        return
    failed = 0
    with progress.bar("uploading", len(chosen)) as bar:
        for file, name in _named(chosen):
            try:
                uploaded = _upload(server, file, name, overwrite)
            except errors.LiveResizeError as error:
                failed += 1
                if as_json:
                    document = {"file": str(file), "error": error.public}
                    progress.write(json.dumps(document, ensure_ascii=False))
                progress.note(f"{file}: {error.public}")
            else:
                progress.write(uploaded.as_json() if as_json else uploaded.line())
            bar.update(1)
    click.echo(f"{len(chosen) - failed} uploaded, {failed} failed", err=as_json)
    sys.exit(1 if failed else 0)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the files, and those of folders in the order of their names; hidden ones are not."""
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
                if file.suffix.lower() in PICTURES and not hidden and file.is_file():
                    yield file
        else:
            yield path


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

    def as_json(self) -> str:
        fields = {**self.receipt, "id": self.name, "file": str(self.file), "urls": self.urls}
        return json.dumps(fields, ensure_ascii=False)

    def line(self) -> str:
        return f"{self.file} → {self.name}  {self.urls[0]}"


def _upload(server: "client.Server", file: Path, id_: str | None, overwrite: bool) -> _Uploaded:
    """Upload one file. Raises LiveResizeError."""
    from liveresize.cli import client
    from liveresize.core import names

    name = names.id_of_file(file.name) if id_ is None else id_
    granted = client.token(server, name, overwrite=overwrite)
    receipt = client.upload(server, name, file, granted)
    return _Uploaded(file, name, receipt, client.addresses(server, name, receipt))
