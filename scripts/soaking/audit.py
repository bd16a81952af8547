"""What index, disks and buckets say of each other: the one must hold what the other names.

Nothing may be left over once every lease has run out and the house has been kept: no file
and no object without its row, no row without its bytes, nothing half-written.
"""

import asyncio
import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from storage.s3worlds import Place

from liveresize.storage.index import engines, schema
from scripts.soaking.backends import Backends

_OURS = ("robots.txt", "_probe")
"""Objects that are no renditions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of the index: name and SHA-256 by generation, the generations that are hidden,
    SHA-256 by key of a link, and the state of each token by name."""

    originals: dict[str, tuple[str, str]]
    hidden: set[str]
    links: dict[str, str]
    tokens: dict[str, str]


def rows(database: str) -> Rows:
    """What the index holds now."""
    return asyncio.run(_rows(database))


async def _rows(database: str) -> Rows:
    engine = engines.build(engines.parse_url(database), pool=1, patience=20.0)

    def read(connection: sa.Connection) -> Rows:
        originals = connection.execute(sa.select(schema.originals)).all()
        links = connection.execute(sa.select(schema.renditions)).all()
        tokens = connection.execute(sa.select(schema.tokens)).all()
        return Rows(
            originals={row.generation: (row.name, row.sha256) for row in originals},
            hidden={
                row.generation
                for row in originals
                if row.held_at is not None or row.expired_at is not None
            },
            links={row.key: row.etag for row in links},
            tokens={row.name: row.state for row in tokens},
        )

    try:
        return await engine.run(read)
    finally:
        await engine.dispose()


def findings(backends: Backends, folders: Sequence[Path]) -> list[str]:
    """Everything that is not as it should be, one phrase each.

    `folders` are those of all servers. While one of them is at work, some of it passes.
    """
    known = rows(backends.database)
    found = [phrase for folder in folders for phrase in _left_over(folder / "data")]
    found += [phrase for folder in folders for phrase in _notes(known, folder / "data")]
    found += _originals(known, backends, folders)
    found += _renditions(known, backends, folders)
    return found


def _left_over(data: Path) -> Iterator[str]:
    for path in _files(data / "originals" / "_staging"):
        yield f"staged: {path.name}"
    for path in _files(data / "spool"):
        yield f"spooled: {path.name}"
    for path in _files(data):
        if path.suffix == ".part":
            yield f"half-written: {path.name}"


def _notes(known: Rows, data: Path) -> Iterator[str]:
    """Files of hidden pictures that would be found while the index is away, and notes of none."""
    noted = {path.name for path in _files(data / "originals" / "_hidden")}
    here = {path.name.rpartition("~")[2] for path in _files(data / "originals" / "_main")}
    for generation in (known.hidden & here) - noted:
        yield f"hidden, and not noted: {generation}"
    for generation in noted - known.originals.keys():
        yield f"noted as hidden without a row: {generation}"


def _originals(known: Rows, backends: Backends, folders: Sequence[Path]) -> Iterator[str]:
    copies: dict[str, set[str]] = {generation: set() for generation in known.originals}
    for folder in folders:
        for path, digest in _contents(folder / "data" / "originals" / "_main"):
            generation = path.name.rpartition("~")[2]
            if generation in copies:
                copies[generation].add(digest)
            else:
                yield f"file without a row: {path.name}"
    for key, digest in _objects(backends.originals):
        generation = key.rpartition("/")[2]
        if generation in copies:
            copies[generation].add(digest)
        else:
            yield f"mirrored without a row: {key}"
    for generation, (name, sha256) in known.originals.items():
        if copies[generation] != {sha256}:
            yield f"not whole: {name}~{generation} ({len(copies[generation])} kinds of copies)"


def _renditions(known: Rows, backends: Backends, folders: Sequence[Path]) -> Iterator[str]:
    kept = dict(_objects(backends.renditions))
    for folder in folders:
        for path, digest in _contents(folder / "data" / "renditions"):
            if path.suffix != ".part":
                kept[f"{path.parent.name}/{path.name}"] = digest
    # On a disk the name of the picture is no part of where its renditions lie.
    links = known.links
    if backends.renditions is None:
        links = {"/".join(key.split("/")[-2:]): etag for key, etag in links.items()}
    for key in kept.keys() - links.keys():
        yield f"rendition without a link: {key}"
    for key, etag in links.items():
        if kept.get(key) != etag:
            yield f"link to {'something else' if key in kept else 'nothing'}: {key}"


def _files(folder: Path) -> Iterator[Path]:
    """Every file in a tree that others may be changing."""
    for above, _, names in os.walk(folder):
        for name in names:
            yield Path(above, name)


def _contents(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file in a tree, and its SHA-256."""
    for path in _files(folder):
        with contextlib.suppress(FileNotFoundError):  # removed since it was found
            yield path, _sha256(path.read_bytes())


def _objects(place: Place | None) -> Iterator[tuple[str, str]]:
    """(key, SHA-256) of everything in a bucket, as another client reads it."""
    if place is None:
        return
    for page in place.client.get_paginator("list_objects_v2").paginate(Bucket=place.bucket):
        for each in page.get("Contents", ()):
            if each["Key"] in _OURS:
                continue
            with contextlib.suppress(place.client.exceptions.NoSuchKey):  # removed meanwhile
                yield each["Key"], _sha256(place.bytes(each["Key"]))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
