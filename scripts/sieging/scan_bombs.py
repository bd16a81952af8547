"""Files of some kilobytes that cost seconds of a worker, at their upload and for each size."""

import http.client
import json
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from PIL import Image

from scripts.benchmarks import process
from scripts.sieging import _bombs

SIZES = ("_300_0.jpg", "_200_0.webp", "_100_100.png?fit=crop&gravity=smart&blur=3")

PATIENCE = 120.0
"""Seconds to wait for one answer; the server's own deadline is 30."""


def run() -> list[tuple[str, object]]:
    """Upload each, and ask for three sizes of those that are accepted."""
    rows: list[tuple[str, object]] = []
    kinds = {"a photograph, for comparison": _photograph, **_bombs.BOMBS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with process.server(folder, LIVERESIZE_WORKERS__SLOTS="2") as running:
            for number, (what, made) in enumerate(kinds.items()):
                data = made()
                rows.append((f"{what} ({len(data) / 1024:.1f} KB)", _attack(running, number, data)))
    return rows


def _photograph() -> bytes:
    """Twelve megapixels of noise, which compress as badly as any photograph."""
    noise = Image.effect_noise((4000, 3000), 60).convert("RGB")
    return _bombs.saved(noise, "JPEG", quality=80)


def _attack(running: process.Running, number: int, data: bytes) -> str:
    """What the upload was answered, and processor time of the server for it and each size."""
    before = running.cpu_ms() / 1000
    status = _upload(running, f"bomb-{number}", data)
    intake = running.cpu_ms() / 1000 - before
    told = f"upload {status}, {intake:.2f} s"
    worst = intake
    if status == "200":
        for size in SIZES:
            before = running.cpu_ms() / 1000
            answer, _ = running.get(f"/bomb-{number}{size}")
            taken = running.cpu_ms() / 1000 - before
            worst = max(worst, taken)
            told += f"; {answer}, {taken:.2f} s"
    return f"{told}; worst {1000 * worst / (len(data) / 1024):.2f} ms/KB"


def _upload(running: process.Running, name: str, data: bytes) -> str:
    """The status of the answer to `data`, and the code of a refusal."""
    asked = urllib.request.Request(
        f"{running.url}/token", json.dumps({"id": name}).encode(), method="POST"
    )
    with urllib.request.urlopen(asked) as answer:
        token = json.load(answer)["token"]
    headers = {"X-Token": token, "Content-Type": "image/x-bomb"}
    sent = urllib.request.Request(f"{running.url}/{name}", data, headers, method="POST")
    try:
        with urllib.request.urlopen(sent, timeout=PATIENCE) as answer:
            return str(answer.status)
    except urllib.error.HTTPError as error:
        return f"{error.code} {json.load(error)['code']}"
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
