"""A server that schemathesis asks about its own contract, with pictures in it."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from web import buckets, pictures, servers

HERE = Path(__file__).parent

PATIENCE = 3600.0
"""Seconds that a run may take by hand; `--max-time` is less."""

SAMPLE = servers.ROOT / "docs" / "sample.jpg"


@contextmanager
def furnished(folder: Path) -> Iterator[tuple[servers.Process, dict[str, str]]]:
    """The server, and the environment that schemathesis.toml asks for."""
    with servers.Process(
        folder,
        secret=servers.SECRET,
        admin__secrets=[servers.ADMIN],
        studio=True,
        presets={"card": {"fit": "crop", "quality": "50"}},
        **buckets.OPEN,
    ) as process:
        client = process.client
        client.put_in("sample", SAMPLE.read_bytes())
        client.put_in("animated", pictures.animation())
        deposited = buckets.address(buckets.send(client, SAMPLE.read_bytes()))
        client.get("/sample_400_0.jpg")
        (first,) = servers.until(lambda: _kept(folder))
        client.get(f"{deposited}?s=250")
        servers.until(lambda: len(_kept(folder)) == 2)
        (second,) = _kept(folder) - {first}
        keys = [_key("sample", first), _key(deposited[1:], second)]
        small = folder / "small.png"
        small.write_bytes(pictures.png(8, 8))
        yield (
            process,
            {
                **os.environ,
                "CONTRACT_HOOKS": str(HERE / "hooks.py"),
                "CONTRACT_SECRET": servers.SECRET,
                "CONTRACT_ADMIN": servers.ADMIN,
                "CONTRACT_VIP_TOKEN": buckets.TOKEN,
                "CONTRACT_ID": deposited.rpartition("/")[2],
                "CONTRACT_KEYS": json.dumps(keys),
                "CONTRACT_ORIGIN": buckets.ORIGIN,
                "CONTRACT_PICTURE": str(small),
            },
        )


def _kept(folder: Path) -> set[Path]:
    """Every rendition that is stored."""
    kept = folder / "data" / "renditions"
    return {path for path in kept.rglob("*.*") if path.is_file() and path.suffix != ".part"}


def _key(image: str, path: Path) -> dict[str, str]:
    """The parts of the address of a stored rendition."""
    bucket, _, name = image.rpartition("/")
    found = {"name": name, "generation": path.parent.name, "file": path.name}
    return {**found, "bucket": bucket} if bucket else found


Answered = dict[tuple[str, str], Counter[int]]
"""Method and route → how often each status was answered."""


def run(folder: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], Answered]:
    """What schemathesis says about a server of its own, and what that has answered."""
    with furnished(folder) as (process, environ):
        ran = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                "--config-file",
                str(HERE / "schemathesis.toml"),
                "run",
                f"{process.url}/openapi.json",
                *arguments,
            ],
            cwd=folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        answered = _counted(process)
        assert [line for line in process.lines() if line["level"] == "error"] == []
    return ran, answered


def _counted(process: servers.Process) -> Answered:
    """What the metrics of a server say."""
    told: Answered = {}
    for family in text_string_to_metric_families(process.client.get("/_metrics").text):
        for sample in family.samples:
            if sample.name == "liveresize_requests_total":
                of = sample.labels
                found = told.setdefault((of["method"], of["route"]), Counter())
                found[int(of["status"])] += int(sample.value)
    return told
