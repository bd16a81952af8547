"""SeaweedFS, a distributed object store: its programs, and how they are started.

One process keeps names and speaks S3, another keeps the bytes, so that a test can stop these
alone. `scripts/seaweedfs` builds both.
"""

import json
import os
import re
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_VERSION = re.findall(r"(?m)^version=(\S+)", (_ROOT / "scripts" / "seaweedfs").read_text())[0]

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")

PROGRAM = _CACHE / "liveresize" / f"seaweedfs-{_VERSION}" / "weed"
"""For all clones of a user: `scripts/test` does not build it."""

PORTS = 8
"""How many ports the two processes have in all."""

ENVIRONMENT = {
    "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1",
    "WEED_MASTER_VOLUME_GROWTH_ALLOCATION_DEFERRAL": "0s",
}
"""A new bucket gets one file for its bytes and not seven: a test has hardly any. The first one
gets it at once, without ten seconds in which others might report what they have."""


def master(ports: list[int]) -> int:
    """The port that tells who keeps bytes."""
    return ports[2]


def sockets(ports: list[int]) -> list[Path]:
    """The files that it leaves where no option can have them elsewhere."""
    return [path for port in ports for path in Path("/tmp").glob(f"seaweedfs-*-grpc-{port}.sock")]


def names(folder: Path, ports: list[int], key: str, secret: str) -> list[str]:
    """The command of what speaks S3, at the first of the ports."""
    (folder / "names").mkdir(exist_ok=True)
    configuration = folder / "s3.json"
    credentials = [{"accessKey": key, "secretKey": secret}]
    identity = {"name": "tests", "credentials": credentials, "actions": ["Admin"]}
    configuration.write_text(json.dumps({"identities": [identity]}))
    s3, s3_grpc, master, master_grpc, filer, filer_grpc, *_ = map(str, ports)
    options = {
        "dir": str(folder / "names"),
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "volume": "false",
        "master.port": master,
        "master.port.grpc": master_grpc,
        "master.volumeSizeLimitMB": "64",
        "master.telemetry": "false",
        "filer": "true",
        "filer.port": filer,
        "filer.port.grpc": filer_grpc,
        "filer.localSocket": str(folder / "filer.sock"),
        "s3": "true",
        "s3.port": s3,
        "s3.port.grpc": s3_grpc,
        "s3.port.iceberg": "0",
        "s3.port.lance": "0",
        "s3.autoCreateBucket": "false",
        "s3.config": str(configuration),
        "s3.localSocket": str(folder / "s3.sock"),
    }
    return [str(PROGRAM), "server", *(f"-{name}={value}" for name, value in options.items())]


def volumes(folder: Path, ports: list[int]) -> list[str]:
    """The command of what keeps the bytes."""
    (folder / "volumes").mkdir(exist_ok=True)
    *_, master, master_grpc, _, _, port, grpc = map(str, ports)
    options = {
        "dir": str(folder / "volumes"),
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "port": port,
        "port.grpc": grpc,
        "master": f"127.0.0.1:{master}.{master_grpc}",
        "max": "10000",
    }
    return [str(PROGRAM), "volume", *(f"-{name}={value}" for name, value in options.items())]
