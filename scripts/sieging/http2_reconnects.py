"""HTTP/2 floods over connections that are opened again and again: what others feel of it."""

import contextlib
import multiprocessing
import os
import socket
import ssl
import tempfile
import time
import urllib.request
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from hyperframe.frame import PingFrame, SettingsFrame
from web import certificates, pictures
from web.http2_client import PREFACE

from scripts.benchmarks import process

SECONDS = 8.0

ATTACKERS = 3
"""Processes, all of one address."""

PINGS = 1900
"""A connection's, just below what one connection may send at once."""

HITS = "/photo_300_0.jpg?proxy=true"


def run() -> list[tuple[str, object]]:
    """Flood a server over TLS from one address while another asks for hits, without TLS."""
    port = process.free_port()
    with tempfile.TemporaryDirectory() as name:
        pair = certificates.make(Path(name) / "tls")
        keys = {
            "LIVERESIZE_TLS__CERTIFICATE": str(pair.certificate),
            "LIVERESIZE_TLS__KEY": str(pair.key),
            "LIVERESIZE_TLS__PORT": str(port),
            "LIVERESIZE_DISK__RESERVE": "0",
        }
        with process.server(Path(name), **keys) as server:
            photo = Path(name) / "photo.jpg"
            photo.write_bytes(pictures.jpeg())
            server.upload("photo", photo)
            server.fetch(HITS)
            calm = _hits(server.url + HITS, 2.0)
            tried, welcome = multiprocessing.Value("q"), multiprocessing.Value("q")
            attackers = [
                multiprocessing.Process(target=_flood, args=(port, tried, welcome))
                for _ in range(ATTACKERS)
            ]
            for each in attackers:
                each.start()
            before = process.ticks(server.process.pid)
            under = _hits(server.url + HITS, SECONDS)
            spent = (process.ticks(server.process.pid) - before) / os.sysconf("SC_CLK_TCK")
            for each in attackers:
                each.join()
            return [
                ("connections tried a second", f"{tried.value / SECONDS:,.0f}"),
                ("connections that got a handshake, a second", f"{welcome.value / SECONDS:,.0f}"),
                ("processor time of the server", f"{spent / SECONDS:.0%} of a core"),
                ("hits of another client in peace, ms (p50, p99)", calm),
                ("hits of another client meanwhile, ms (p50, p99)", under),
            ]


def _flood(port: int, tried: "Synchronized[int]", welcome: "Synchronized[int]") -> None:
    """Connect, send as many PINGs as one connection may, and connect again."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    data = PREFACE + SettingsFrame(0).serialize()
    data += PingFrame(0, opaque_data=bytes(8)).serialize() * PINGS
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.socket() as bare:
            bare.settimeout(max(0.1, until - time.monotonic()))
            bare.connect(("127.0.0.1", port))
            with tried.get_lock():
                tried.value += 1
            with context.wrap_socket(bare) as connection:
                with welcome.get_lock():
                    welcome.value += 1
                connection.sendall(data)
                connection.recv(1)  # what it says to all that does not matter


def _hits(url: str, seconds: float) -> str:
    """What hits, one after the other, take."""
    times, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.perf_counter()
        with urllib.request.urlopen(url) as answer:
            answer.read()
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    return f"{times[len(times) // 2]:.1f}, {times[len(times) * 99 // 100]:.1f}"
