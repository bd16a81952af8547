"""Opening the ports of a server, or taking those that systemd has opened for it."""

import contextlib
import socket

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from liveresize import errors
from liveresize.app import systemd
from liveresize.config import Settings
from liveresize.http.transport.listener import EntryPoint
from liveresize.http.transport.tls import Certificate

_BACKLOG = 1024

_OTHER_MACHINES = {
    "0.0.0.0": (socket.AF_INET, "192.0.2.1"),  # noqa: S104 (nothing is bound here)
    "::": (socket.AF_INET6, "2001:db8::1"),
}
"""Addresses that stand for all of this machine, and one that nobody has, to be reached by them."""


def open_doors(
    settings: Settings, *, http: HTTPServer, plain: HTTPServer, certificate: Certificate | None
) -> list[EntryPoint]:
    """The door of `listen_port`, and the second, encrypted one of `tls.port`.

    Sockets of systemd stand for either: those called `http` for the first, `https` for the
    second. `plain` answers what comes in unencrypted beside an encrypted door, `http` all
    else. Raises SettingsError for an address that cannot be had; nothing is open then.
    """
    given = systemd.take_sockets()
    first, second = given.get(systemd.HTTP, []), given.get(systemd.HTTPS, [])
    try:
        if second and certificate is None:
            raise errors.SettingsError(
                "systemd has handed over a socket called https, but there is no certificate: "
                "set tls.certificate and tls.key."
            )
        if not given:
            first = _bind(settings, "listen_port", settings.listen_port)
        if not second and settings.tls.port:
            second = _bind(settings, "tls.port", settings.tls.port)
    except errors.SettingsError:
        for each in first + second:
            each.close()
        raise
    if not second:
        return [EntryPoint(sockets=first, server=http, certificate=certificate)]
    encrypted = EntryPoint(sockets=second, server=http, certificate=certificate)
    return [EntryPoint(sockets=first, server=plain), encrypted] if first else [encrypted]


def urls(scheme: str, host: str, port: int) -> list[str]:
    """Return the URL of a socket, and for all addresses the one that other machines can open."""
    hosts = [host]
    if host in _OTHER_MACHINES:
        hosts += _own_address(*_OTHER_MACHINES[host])
    return [f"{scheme}://{f'[{each}]' if ':' in each else each}:{port}" for each in hosts]


def _own_address(family: socket.AddressFamily, other: str) -> list[str]:
    """Return the address of this machine on the way to `other`; nothing is sent there."""
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((other, 9))
        return [str(probe.getsockname()[0])]
    return []


def _bind(settings: Settings, key: str, port: int) -> list[socket.socket]:
    address = settings.listen_address
    try:
        return bind_sockets(port, address or None, backlog=_BACKLOG)
    except OSError as error:
        raise errors.SettingsError(
            f"The address {address}:{port} of listen_address and {key} cannot be listened "
            f"on: {error.strerror}."
        ) from error
