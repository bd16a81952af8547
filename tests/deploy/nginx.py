"""A real nginx with the configuration of deploy/nginx, on ports and in a folder of its own.

The files are used as they are shipped; only what an operator has to change is changed:
addresses, paths, the list of instances and the internal networks.
"""

import contextlib
import datetime
import ipaddress
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from web import servers

SHIPPED = servers.ROOT / "deploy" / "nginx"

PROGRAM = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")

needs_nginx = pytest.mark.skipif(PROGRAM is None, reason="nginx is not installed")

INSIDE, OUTSIDE = "127.0.0.1", "127.0.0.2"
"""Addresses of clients: one of the internal networks of `Nginx`, and one of the world."""

LIFE = 4.0
"""Seconds after which nothing is served from the cache unasked: two, both rounded up, and
one for a clock that nginx looks at now and then."""

Ports = Iterable[int]


class Client(servers.Client):
    """A client of nginx that trusts its certificate, with a source address of its own."""

    def __init__(self, nginx: "Nginx", secret: str = "", address: str = INSIDE) -> None:
        trusted = ssl.create_default_context(cafile=nginx.certificate)
        httpx.Client.__init__(
            self,
            base_url=nginx.url,
            timeout=servers.PATIENCE,
            transport=httpx.HTTPTransport(verify=trusted, local_address=address),
        )
        self.secret = secret


class Nginx:
    """nginx in front of the instances at `ports`.

    `changes` maps pieces of the shipped files to what shall stand there instead, `extra`
    is put at the end of the `http` block. It is up when the constructor returns.
    """

    def __init__(
        self,
        folder: Path,
        ports: Ports,
        *,
        changes: Mapping[str, str] | None = None,
        extra: str = "",
    ) -> None:
        assert PROGRAM is not None
        self.folder = folder
        self.log = folder / "access.log"
        self.certificate = folder / "certificate.pem"
        shutil.copytree(SHIPPED, folder / "liveresize")
        _make_certificate(self.certificate, folder / "key.pem")
        self._include("internal.conf", f"allow {INSIDE};\ndeny all;\n")
        self._include("instances.conf", _instances(ports))
        self._shipped = _texts(folder / "liveresize")
        self._changes, self._extra = dict(changes or {}), extra
        while not self._start():  # another may take a free port before nginx does
            assert "Address already in use" in self.errors, self.errors
            (folder / "error.log").unlink()

    def _include(self, name: str, text: str) -> None:
        (self.folder / "liveresize" / name).write_text(text)

    def _start(self) -> bool:
        self.port, plain, self.extra_port = _free_ports()
        self.url = f"https://127.0.0.1:{self.port}"
        self._include_changed(
            {
                "    listen 80;\n    listen [::]:80;": f"    listen 127.0.0.1:{plain};",
                "    listen [::]:443 ssl http2;\n": "",
                "listen 443 ssl http2;": f"listen 127.0.0.1:{self.port} ssl http2;",
                "images.example.com": "_",
                "/etc/ssl/liveresize/fullchain.pem": str(self.certificate),
                "/etc/ssl/liveresize/privkey.pem": str(self.folder / "key.pem"),
                "root /var/www/html;": f"root {self.folder}/challenges;",
                "/var/cache/nginx-liveresize": str(self.folder / "cache"),
                "/var/log/nginx/liveresize.log": str(self.log),
                **self._changes,
            }
        )
        self.plain_url = f"http://127.0.0.1:{plain}"
        main = self.folder / "nginx.conf"
        main.write_text(_MAIN.format(user=_user(), folder=self.folder, extra=self._extra_text()))
        self.command = [str(PROGRAM), "-c", str(main), "-e", str(self.folder / "error.log")]
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            return servers.until(self._up) == "up"
        except BaseException:
            self._stop()
            raise

    def _extra_text(self) -> str:
        return self._extra.replace("EXTRA_PORT", str(self.extra_port))

    def _include_changed(self, changes: Mapping[str, str]) -> None:
        texts = dict(self._shipped)
        for piece, instead in changes.items():
            holders = [name for name, text in texts.items() if text.count(piece) == 1]
            assert len(holders) == 1, f"{piece!r} should stand in one place of deploy/nginx"
            texts[holders[0]] = texts[holders[0]].replace(piece, instead)
        for name, text in texts.items():
            self._include(name, text)

    def _up(self) -> str:
        if self.process.poll() is not None:
            return "down"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return "up"
        return ""

    def client(self, secret: str = "", address: str = INSIDE) -> Client:
        """A client; whoever asks for it closes it."""
        return Client(self, secret, address)

    def reload(self, ports: Ports) -> None:
        """Put other instances behind it, as an operator would."""
        before = self._workers()
        self._include("instances.conf", _instances(ports))
        self.process.send_signal(signal.SIGHUP)
        servers.until(lambda: self._workers() and not before & self._workers())

    def _workers(self) -> set[int]:
        pid = self.process.pid
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))

    def test(self) -> subprocess.CompletedProcess[str]:
        """What `nginx -t` says of the configuration."""
        command = [*self.command, "-t"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    @property
    def errors(self) -> str:
        """Its error log."""
        path = self.folder / "error.log"
        return path.read_text() if path.exists() else ""

    def lines(self) -> list[dict[str, Any]]:
        """The lines of its access log."""
        return [json.loads(line) for line in self.log.read_bytes().split(b"\n")[:-1]]

    def line_of(self, answer: httpx.Response) -> dict[str, Any]:
        """The line of the request that was answered so."""
        wanted = answer.headers["X-Request-Id"]

        def found() -> list[dict[str, Any]]:
            return [line for line in self.lines() if line["request_id"] == wanted]

        (line,) = servers.until(found)
        return line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _stop(self) -> None:
        self.process.terminate()  # its workers go with it
        try:
            self.process.wait(servers.PATIENCE)
        except subprocess.TimeoutExpired:
            for pid in (*self._workers(), self.process.pid):
                os.kill(pid, signal.SIGKILL)
            self.process.wait()


_MAIN = """\
{user}
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include liveresize/liveresize.conf;
    {extra}
}}
"""


def _user() -> str:
    """Workers of root's nginx become nobody, who may not enter the folders of tests."""
    return "user root;" if os.geteuid() == 0 else ""


def _instances(ports: Ports) -> str:
    shipped = (SHIPPED / "instances.conf").read_text().splitlines()
    options = next(line for line in shipped if line.startswith("server ")).split(maxsplit=2)[2]
    return "".join(f"server 127.0.0.1:{port} {options}\n" for port in ports)


def _texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.glob("*.conf"))}


def _free_ports() -> tuple[int, int, int]:
    """Three ports that nobody listens on just now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(3)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        first, second, third = (each.getsockname()[1] for each in sockets)
    return first, second, third


def _make_certificate(certificate: Path, key: Path) -> None:
    """A certificate for 127.0.0.1 that vouches for itself."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "liveresize test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
