"""The ring of the simulator is that of nginx."""

import shutil
import socket
import subprocess
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from scripts.simulation import day
from scripts.simulation.ring import Ring

NAMES = [f"picture-{number}" for number in range(4_000)]

PROGRAM = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")


def test_a_lost_server_moves_its_own_names_and_no_others():
    """About one in n moves, to all others, and a new server takes about one in n + 1."""
    for count in (3, 10):
        servers = day.servers(count)
        ring = Ring(servers)
        homes = {name: ring.home(name) for name in NAMES}
        lost = servers[1]
        moved = [name for name in NAMES if ring.home(name, {lost}) != homes[name]]
        assert moved == [name for name in NAMES if homes[name] == lost]
        assert len(moved) / len(NAMES) == pytest.approx(1 / count, rel=0.35)
        assert {ring.home(name, {lost}) for name in moved} == set(servers) - {lost}
        more = Ring(day.servers(count + 1))
        new = {more.home(name) for name in NAMES if more.home(name) != homes[name]}
        assert new == {day.servers(count + 1)[-1]}


def test_a_ring_without_servers_says_so():
    """All down is an error."""
    with pytest.raises(LookupError):
        Ring(day.servers(1)).home("cat", day.servers(1))


@pytest.mark.skipif(PROGRAM is None, reason="nginx is not installed")
def test_nginx_sends_each_name_to_the_same_server(tmp_path: Path):
    """A real nginx with four servers agrees about 300 names."""
    ports = free_ports(5)
    servers = [f"127.0.0.1:{port}" for port in ports[1:]]
    blocks = "".join(
        f"server {{ listen {each}; access_log off; return 200 '{each}'; }}\n" for each in servers
    )
    lines = "".join(f"server {each};\n" for each in servers)
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/log;\n"
        "events {}\n"
        f"http {{ access_log off;\n{temporary(tmp_path)}"
        f"upstream all {{ hash $arg_name consistent; {lines} }}\n{blocks}"
        f"server {{ listen 127.0.0.1:{ports[0]}; location / {{ proxy_pass http://all; }} }} }}\n"
    )
    command = [str(PROGRAM), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    nginx = subprocess.Popen([*command, "-e", f"{tmp_path}/log"])
    ring = Ring(servers)
    try:
        transport = httpx.HTTPTransport(retries=8)  # until it listens
        with httpx.Client(transport=transport, base_url=f"http://127.0.0.1:{ports[0]}") as client:
            told = {name: client.get(f"/?name={name}").text for name in NAMES[:300]}
    finally:
        nginx.terminate()
        nginx.wait(10)
    assert told == {name: ring.home(name) for name in told}
    assert len(Counter(told.values())) == 4


def temporary(folder: Path) -> str:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [each.getsockname()[1] for each in sockets]
