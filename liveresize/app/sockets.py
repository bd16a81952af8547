"""Opening the ports of a server, or taking those that systemd has opened for it."""

import socket

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from liveresize import errors
from liveresize.app import systemd
from liveresize.config import Settings
from liveresize.http.transport.listener import EntryPoint
from liveresize.http.transport.tls import Certificate

_BACKLOG = 1024


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


def _bind(settings: Settings, key: str, port: int) -> list[socket.socket]:
    address = settings.listen_address
    try:
        return bind_sockets(port, address or None, backlog=_BACKLOG)
    except OSError as error:
        raise errors.SettingsError(
            f"The address {address}:{port} of listen_address and {key} cannot be listened "
            f"on: {error.strerror}."
        ) from error
