"""Check of the ports, the certificate and the trusted proxies."""

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
"""Remaining days of a certificate below which there is a problem, or a warning."""

_BUDGET = 5.0
"""Seconds for the response of a server that uses the port."""

_WIDE = {4: 8, 6: 16}
"""Prefix lengths below which a network is too large to be trusted."""

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def ports(address: str, chosen: Sequence[tuple[str, int, bool]]) -> Iterator[Finding]:
    """Check that the ports can be listened on: (key, port, encrypted) of each.

    A port that a running liveresize uses is fine.
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
    """Bind the port on every address, and release it. Raises OSError."""
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
    if error.errno in (errno.EADDRINUSE, errno.EACCES) and is_ours:
        return ok(key, f"A server of ours answers at {endpoint}.")
    if error.errno == errno.EADDRINUSE:
        return problem(
            key, f"Another program has {endpoint}.", f"Stop it, or set {key} to another port."
        )
    if error.errno == errno.EACCES:
        return problem(
            key,
            f"This user may not listen on {endpoint}.",
            "Let a socket of systemd open it, as in deploy/systemd, choose a port from 1024 on, or "
            "give AmbientCapabilities=CAP_NET_BIND_SERVICE.",
        )
    return problem(
        key,
        f"{endpoint} cannot be listened on: {error.strerror}.",
        "Set listen_address to an address of this machine, or to nothing for all of them.",
    )


def _is_ours(address: str, port: int, *, encrypted: bool) -> bool:
    """Whether the program that uses the port responds to /_live as liveresize does."""
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
    """Return the host for a URL of a server that listens on that address."""
    try:
        ip = ipaddress.ip_address(address or "::")
    except ValueError:
        return address
    if ip.is_unspecified:
        return "localhost"
    return f"[{ip}]" if ip.version == 6 else str(ip)


def certificate(settings: Tls) -> Iterator[Finding]:
    """Check that the certificate is valid, and for how long."""
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
    """Check that `trusted_proxies` is neither empty by mistake nor too wide."""
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
