"""`scripts/bench tls`: hits and new connections, plain and encrypted, with the server on one
core."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from web import certificates

from scripts.benchmarks import corpus, hits, process, report, wrk

CLIENTS = 4
"""Processes that open connections; one alone would wait for the server and it for him."""

CLOSING = 'wrk.headers["Connection"] = "close"\n'


def measure(seconds: int) -> list[report.Row]:
    """Hits and handshakes a second over TLS, beside the same without it."""
    if shutil.which("openssl") is None:
        raise SystemExit("openssl is missing (Debian: apt-get install openssl)")
    return [
        *_measured(seconds, rsa_key=False),
        # Of another key only the handshake differs.
        *_measured(seconds, rsa_key=True)[-1:],
    ]


def _measured(seconds: int, *, rsa_key: bool) -> list[report.Row]:
    port = process.free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pair = certificates.make(folder / "tls", rsa_key=rsa_key)
        keys = {
            "LIVERESIZE_TLS__CERTIFICATE": str(pair.certificate),
            "LIVERESIZE_TLS__KEY": str(pair.key),
            "LIVERESIZE_TLS__PORT": str(port),
        }
        with process.server(folder, cpus="0", **keys) as server:
            server.upload("photo", corpus.PHOTO)
            target = hits.about_40_kb(server)
            hits.settled(server, target)
            rows = (
                [] if rsa_key else _loads(server.url, f"https://127.0.0.1:{port}", target, seconds)
            )
            kind = "RSA 2048" if rsa_key else "ECDSA P-256"
            for title, option in (("resumed", "-reuse"), (f"whole handshake, {kind}", "-new")):
                rate = _handshakes(port, target, option, seconds)
                rows.append((f"a new connection and its 303, TLS 1.3, {title}", f"{rate:,.0f}/s"))
            return rows


def _loads(plain: str, encrypted: str, target: str, seconds: int) -> list[report.Row]:
    """What wrk finds on connections that stay, and plainly on those that do not."""
    rows = []
    for title, path, script in (
        ("redirect (303)", target, ""),
        ("40 KB from memory (200)", target + "&proxy=true", ""),
        ("a new connection and its 303", target, CLOSING),
    ):
        for way, origin in (("plain", plain), ("TLS 1.3", encrypted)):
            if script and origin == encrypted:
                continue  # how many of its connections wrk resumes is its own affair
            load = wrk.run(origin + path, connections=32, seconds=seconds, script=script, cpus="1")
            rows.append((f"{title}, {way}", f"{load.rate:,.0f}/s, {load.percentiles()}"))
    return rows


def _handshakes(port: int, path: str, option: str, seconds: int) -> float:
    """Connections a second, each with one request."""
    command = ["taskset", "-c", "1", "openssl", "s_time", "-connect", f"127.0.0.1:{port}"]
    command += [option, "-tls1_3", "-www", path, "-time", str(seconds)]
    clients = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(CLIENTS)
    ]
    rate = 0.0
    for client in clients:
        said = client.communicate()[0]
        found = re.findall(r"^(\d+) connections in (\d+) real seconds", said, re.M)
        assert found, said
        count, took = found[-1]
        rate += int(count) / int(took)
    return rate
