"""The ways in: ports, the certificate, and whom to believe about clients."""

import datetime
import errno
import ipaddress
import socket
import ssl
import urllib.request
from collections.abc import Iterator, Sequence

from liveresize import errors
from liveresize.http.transport.tls import Certificate
from liveresize.maintenance.doctor.findings import Finding, ok, problem, warning
from liveresize.settings.entrances import Tls

_SOON, _LATER = 14, 30
"""Days left of a certificate that has missed its renewal, and of one that is due for it."""

_BUDGET = 5.0
"""Seconds for a server that has the port to say what it is."""

_WIDE = {4: 8, 6: 16}
"""Prefixes below which a network is more than anybody's own."""

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def ports(address: str, chosen: Sequence[tuple[str, int, bool]]) -> Iterator[Finding]:
    """Whether those ports can be listened on: (key, port, encrypted) of each.

    A server of ours that has one already is as it should be.
    """
    for key, port, encrypted in chosen:
        endpoint = f"{address or '*'}:{port}"
        try:
            _bind(address, port)
        except socket.gaierror:
            yield problem(key, f"{address} is no address of a machine.", "Correct listen_address.")
        except OSError as error:
            yield _unavailable(key, endpoint, error, _is_ours(address, port, encrypted=encrypted))
        else:
            yield ok(key, f"{endpoint} is free." if port else "Any free port will be taken.")


def _bind(address: str, port: int) -> None:
    """Take the port on every address that is meant, and let go; raises OSError."""
    addresses = socket.getaddrinfo(
        address or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    for family, kind, protocol, _, place in addresses:
        if family == socket.AF_INET6 and not socket.has_dualstack_ipv6():
            continue  # a kernel without IPv6, which the server leaves out as well
        with socket.socket(family, kind, protocol) as each:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            each.bind(place)


def _unavailable(key: str, endpoint: str, error: OSError, is_ours: bool) -> Finding:
    if error.errno == errno.EADDRINUSE and is_ours:
        return ok(key, f"A server of ours answers at {endpoint}.")
    if error.errno == errno.EADDRINUSE:
        return problem(
            key, f"Another program has {endpoint}.", f"Stop it, or set {key} to another port."
        )
    if error.errno == errno.EACCES:
        return problem(
            key,
            f"This user may not listen on {endpoint}.",
            "Choose a port from 1024 on, or give AmbientCapabilities=CAP_NET_BIND_SERVICE.",
        )
    return problem(
        key,
        f"{endpoint} cannot be listened on: {error.strerror}.",
        "Set listen_address to an address of this machine, or to nothing for all of them.",
    )


def _is_ours(address: str, port: int, *, encrypted: bool) -> bool:
    """Whether what has the port answers /_live as we do."""
    host = _reachable(address)
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    without_proxy = urllib.request.ProxyHandler({})
    opener = urllib.request.build_opener(
        without_proxy, urllib.request.HTTPSHandler(context=trusting)
    )
    scheme = "https" if encrypted else "http"
    try:
        with opener.open(f"{scheme}://{host}:{port}/_live", timeout=_BUDGET) as response:
            return bool(response.status == 200 and response.headers.get("X-Request-Id"))
    except (OSError, ValueError):
        return False


def _reachable(address: str) -> str:
    """How a URL names what listens on that address."""
    try:
        ip = ipaddress.ip_address(address or "::")
    except ValueError:
        return address
    if ip.is_unspecified:
        return "localhost"
    return f"[{ip}]" if ip.version == 6 else str(ip)


def certificate(settings: Tls) -> Iterator[Finding]:
    """Whether it can be used, and for how long."""
    try:
        until = Certificate(settings).not_after
    except errors.SettingsError as error:
        yield problem("tls", error.public, "Correct tls.certificate and tls.key.")
        return
    days = (until - datetime.datetime.now(datetime.UTC)).days
    sentence = f"The certificate {settings.certificate} ends on {until:%Y-%m-%d}, in {days} days"
    do = "Renew it, and send the server SIGHUP."
    if days < 0:
        yield problem("tls", f"The certificate {settings.certificate} has ended.", do)
    elif days < _SOON:
        yield problem("tls", f"{sentence}.", do)
    elif days < _LATER:
        yield warning("tls", f"{sentence}.", do)
    else:
        yield ok("tls", f"{sentence}.")


def proxies(trusted: Sequence[str], address: str) -> Iterator[Finding]:
    """Whether those who may say who a client is are not too many, or missing."""
    part = "trusted_proxies"
    wide = [
        str(network)
        for network in map(ipaddress.ip_network, trusted)
        if network.prefixlen < _WIDE[network.version]
    ]
    if wide:
        yield problem(
            part,
            f"It has {', '.join(wide)}: any client can pass for any other.",
            "List the addresses of your proxies, and no more.",
        )
    elif not trusted and address in _LOOPBACK:
        yield warning(
            part,
            "It is empty, and the server listens for this machine alone: behind a proxy all "
            "clients look like one, of a private network.",
            "List the proxy's address, which is 127.0.0.1/32 where it runs here.",
        )
    elif trusted:
        yield ok(part, f"{len(trusted)} networks are believed about clients.")
    else:
        yield ok(part, "Nobody is believed about clients: they must come here directly.")
