"""Small file systems that can be filled, and pictures for the servers on them."""

import contextlib
import io
import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from scripts.benchmarks.process import Running

SECRET = "the secret of this attack"  # noqa: S105 (of a server that lives for a minute)
HEADERS = {"Authorization": f"Bearer {SECRET}"}

_SLOWEST = 30.0
"""Seconds that any request may take."""


@contextlib.contextmanager
def small(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of that size on `folder`; SystemExit where none can be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
        raise SystemExit("this attack fills a small file system, which only root may mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607 (as for mount)


def free(folder: Path) -> int:
    """Bytes that are free there."""
    facts = os.statvfs(folder)
    return facts.f_bavail * facts.f_frsize


def fill(folder: Path, *, leave: int = 0) -> Path:
    """Take all but `leave` bytes; the file that holds them."""
    filling = folder / f"filling-{leave}"
    with filling.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while free(folder) > leave or not leave:
                    if not file.write(bytes(size)):
                        break
    return filling


def picture(side: int = 300) -> bytes:
    """A JPEG of noise, which nothing makes smaller."""
    data = io.BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(3 * side * side)).save(data, "JPEG")
    return data.getvalue()


def ask(
    running: Running,
    method: str,
    path: str,
    body: bytes | dict[str, object] | None = None,
    **headers: str,
) -> tuple[int, dict[str, str], bytes]:
    """(status, headers, body) of one request; redirects are not followed, 0 is no answer."""
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(running.url + path, data, names, method=method)
    opener = urllib.request.build_opener(_Stay)
    try:
        with opener.open(request, timeout=_SLOWEST) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()
    except OSError:
        return 0, {}, b""


def token(running: Running, name: str) -> tuple[int, dict[str, str], bytes]:
    """The answer to the request of a token."""
    return ask(running, "POST", "/token", {"id": name})


def upload(running: Running, name: str, data: bytes, token: str) -> tuple[int, dict[str, str]]:
    """(status, headers) of the upload with that token."""
    status, headers, _ = ask(
        running, "POST", f"/{name}", data, X_Token=token, Content_Type="image/jpeg"
    )
    return status, headers


def put(running: Running, name: str, data: bytes) -> str:
    """Upload with a new token; SystemExit unless it is taken. The token."""
    new = json.loads(token(running, name)[2])["token"]
    if upload(running, name, data, new)[0] != 200:
        raise SystemExit(f"{name} was not taken, although there is room")
    return str(new)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        return None
