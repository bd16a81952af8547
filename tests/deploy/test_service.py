"""The server as systemd runs it: on given sockets, ready, alive, restarted under load."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from web import certificates, pictures, servers

from .activation import Service, listening
from .crowd import Crowd

CLIENTS = 12
RESTARTS = 3


@pytest.mark.long
def test_a_socket_called_https_wants_a_certificate(tmp_path: Path) -> None:
    """One sentence, for the terminal and for `systemctl status`; never ready."""
    with Service(tmp_path) as service:
        service.environ["LISTEN_FDNAMES"] = "https"
        assert service.start().wait(3 * servers.PATIENCE) == 1
        assert "called https, but there is no certificate" in service.output
        last = service.notes.read()[-1]
        assert last["STATUS"].startswith("systemd has handed over a socket called https")
        assert service.notes.having("READY") == []


@pytest.mark.long
def test_two_sockets_are_two_doors(tmp_path: Path) -> None:
    """The plain one answers plainly and the one called https with TLS; nothing else is bound."""
    made = certificates.make(tmp_path)
    with Service(tmp_path, **made.keys) as service, listening() as second:
        service.sockets = [service.socket, second]
        service.environ["LISTEN_FDNAMES"] = "http:https"
        service.up()
        encrypted = f"https://127.0.0.1:{second.getsockname()[1]}"
        trusted = certificates.trusting(made.certificate)
        assert service.client.get("/_live").status_code == 200
        assert httpx.get(f"{encrypted}/_live", verify=trusted).status_code == 200
        ready = service.notes.having("READY")[0]
        assert ready["STATUS"].startswith(f"Serving {service.url} {encrypted}: ")


def open_files(pid: int) -> set[str]:
    """What the descriptors of a process are."""
    with contextlib.suppress(OSError):
        return {os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir()}
    return set()


def test_it_is_ready_once_it_answers(tmp_path: Path) -> None:
    """On the socket that it was given, which no worker holds; it binds nothing."""
    with Service(tmp_path) as service:
        service.up()
        assert service.ready() == 200
        (ready,) = service.notes.having("READY")[:1]
        assert ready["STATUS"].startswith(f"Serving http://127.0.0.1:{service.port}: ")
        # Until then it asks for time: the migration of a large index may take long.
        first = service.notes.read()[0]
        assert (first["STATUS"], "READY" in first) == ("Starting.", False)
        assert int(first["EXTEND_TIMEOUT_USEC"]) >= 30e6
        held = f"socket:[{os.fstat(service.socket.fileno()).st_ino}]"
        assert len(service.family) > 1
        holders = [pid for pid in service.family if held in open_files(pid)]
        assert service.process is not None
        assert holders == [service.process.pid]


@pytest.mark.long
def test_it_says_that_it_reloads_and_stops(tmp_path: Path) -> None:
    """With the clock that systemd asks for, and the time that its settings allow."""
    with Service(tmp_path, drain__delay=7, drain__finish=100) as service:
        service.up()
        assert service.process is not None
        service.notes.forget()
        before = time.monotonic()
        service.process.send_signal(signal.SIGHUP)
        service.until(lambda: service.notes.having("READY"))
        reloading, ready = (service.notes.having(name)[0] for name in ("RELOADING", "READY"))
        assert before <= int(reloading["MONOTONIC_USEC"]) / 1e6 + 1e-6 <= time.monotonic()
        assert service.notes.told.index(reloading) < service.notes.told.index(ready)
        service.process.terminate()
        service.until(lambda: service.notes.having("STOPPING"))
        (stopping,) = service.notes.having("STOPPING")[:1]
        assert int(stopping["EXTEND_TIMEOUT_USEC"]) >= (7 + 100) * 1e6
        service.notes.forget()
        service.process.send_signal(signal.SIGHUP)
        service.until(lambda: service.ready() == 503)
        service.process.terminate()
        assert service.process.wait(servers.PATIENCE) == 0
        assert service.notes.having("READY") == []


@pytest.mark.long
def test_a_loop_that_is_blocked_gives_no_sign_of_life(tmp_path: Path) -> None:
    """Signs come twice an interval, and none while the process stands still."""
    with Service(tmp_path) as service:
        service.environ["WATCHDOG_USEC"] = "1000000"
        service.up()
        assert service.process is not None
        service.notes.forget()
        service.until(lambda: len(service.notes.having("WATCHDOG")) >= 4)
        service.process.send_signal(signal.SIGSTOP)
        servers.until(lambda: state(service.process) == "T")
        service.notes.forget()
        with pytest.raises(TimeoutError), asking(service) as connection:
            connection.recv(1)  # nor does it answer, while the socket takes connections
        assert service.notes.read() == []
        service.process.send_signal(signal.SIGCONT)
        service.until(lambda: service.notes.having("WATCHDOG"))


def state(process: "subprocess.Popen[bytes] | None") -> str:
    """R, S, T … of that process."""
    assert process is not None
    return Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


@contextlib.contextmanager
def asking(service: Service) -> Iterator[socket.socket]:
    """A connection that has asked for /_live, and waits three seconds at most."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=3.0) as connection:
        connection.sendall(b"GET /_live HTTP/1.1\r\nHost: x\r\n\r\n")
        yield connection


@pytest.mark.long
def test_restarts_lose_no_request(tmp_path: Path) -> None:
    """Five in a row under load: none is refused, none breaks off, none is answered wrongly."""

    async def scenario(service: Service, crowd: Crowd) -> None:
        load = asyncio.create_task(crowd.run(CLIENTS))
        for restart in range(RESTARTS):
            before = crowd.outcomes.total()
            await asyncio.to_thread(servers.until, lambda: crowd.outcomes.total() > before + 50)  # noqa: B023
            await asyncio.to_thread(service.restart)
            assert not load.done(), restart
        before = crowd.outcomes.total()
        await asyncio.to_thread(servers.until, lambda: crowd.outcomes.total() > before + 50)
        crowd.leave()
        await load

    with Service(tmp_path, drain__delay=1) as service:
        service.up()
        service.client.put_in("cat", pictures.jpeg())
        paths = [f"/cat_{width}_0.jpg?proxy=true" for width in range(20, 40)] + ["/_live"]
        crowd = Crowd(service.port, paths)
        asyncio.run(scenario(service, crowd))
    assert set(crowd.outcomes) == {"200"}, crowd.outcomes
    assert crowd.connections > CLIENTS * RESTARTS
