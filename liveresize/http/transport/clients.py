"""Clients: their addresses, networks and request ids."""

import ipaddress
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import structlog
from tornado import httputil

_log = structlog.get_logger("liveresize.clients")

_SANE_ID = re.compile(r"[A-Za-z0-9._~-]{1,64}")

_SANE_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")

_WITH_PORT = re.compile(r"(?P<v4>[0-9.]+):[0-9]{1,5}|\[(?P<v6>[0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?")
"""An address with a port, as some proxies send it: `192.0.2.1:5000`, `[2001:db8::1]:5000`."""

_SUBNET = 64
"""Bits of the network in an IPv6 address: one client has all addresses in it."""

UNKNOWN = "unknown"
"""The address of a client if a trusted proxy sends no valid one."""

_PROXIES = 1024
"""The largest number of unlisted proxies in memory; the oldest is dropped first."""

_HINT = (
    "this looks like a reverse proxy: list it in trusted_proxies; until then all of its "
    "clients count as one, and limits for one client do not apply to it"
)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def request_id(sent: str | None) -> str:
    """Return the id of the request that the client sent, if it is valid, otherwise a new one."""
    if sent and _SANE_ID.fullmatch(sent):
        return sent
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class Address:
    """The address of this server in a request: `http` or `https`, and host with port."""

    scheme: str
    host: str


def asked_for(request: httputil.HTTPServerRequest, trusted: "Networks") -> Address:
    """Return the scheme and host that the client requested, as told by trusted proxies.

    An invalid host becomes `localhost`, because the host is sent in responses.
    """
    scheme, host = request.protocol, request.host
    if request.connection.context.remote_ip in trusted:  # type: ignore[union-attr]
        forwarded = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower()
        scheme = forwarded if forwarded in ("http", "https") else scheme
        host = request.headers.get("X-Forwarded-Host", host).partition(",")[0].strip()
    return Address(scheme, host if _SANE_HOST.fullmatch(host) else "localhost")


class Networks:
    """A set of networks; an IPv4-mapped IPv6 address counts as the IPv4 address."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks: tuple[Network, ...] = tuple(map(ipaddress.ip_network, networks))
        self._contains = lru_cache(maxsize=4096)(self._look_up)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, address: str) -> bool:
        return self._contains(address)

    def _look_up(self, address: str) -> bool:
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        return any(ip in network for network in self._networks)


@lru_cache(maxsize=4096)
def counted_as(address: str) -> str:
    """Return the key of a client for limits: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if ip.version == 4:
        return address
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((int(ip), _SUBNET), strict=False))


class UnlistedProxies:
    """Private peers that send `X-Forwarded-For` while `trusted_proxies` is empty.

    Each is most likely a reverse proxy that is missing in the settings: all of its clients look
    like one, so the limits for one client do not apply to it. Each is logged once.
    """

    def __init__(self, private: Networks, trusted: Networks) -> None:
        """`private` are the networks that such proxies can be in."""
        self._private = private if not trusted else Networks(())
        self._found: dict[str, None] = {}

    def __contains__(self, peer: str) -> bool:
        return peer in self._found

    def notice(self, peer: str, forwarded: str | None) -> bool:
        """Whether `peer`, which sent `forwarded`, is such a proxy; logged the first time."""
        if peer in self._found:
            return True
        if not forwarded or peer not in self._private:
            return False
        if len(self._found) >= _PROXIES:
            del self._found[next(iter(self._found))]
        self._found[peer] = None
        _log.warning("proxy_not_listed", hint=_HINT, **{"client.ip": peer})
        return True


def client_ip(peer: str, forwarded: str | None, trusted: Networks) -> str:
    """Return the client's address: the peer's, or the one that trusted proxies send.

    `X-Forwarded-For` is read from its end, up to the first address that is not a trusted
    proxy; it is ignored if the peer is not trusted. If a trusted proxy sends an invalid
    address, the client is UNKNOWN, which is in no network: it must not pass for the proxy.
    """
    address = peer
    if not forwarded or not trusted:
        return address
    for element in reversed(forwarded.split(",")):
        if address not in trusted:
            break
        address = _bare(element.strip())
        if address == UNKNOWN:
            break
    return address


def _bare(element: str) -> str:
    """Return the address in one element of `X-Forwarded-For`, without its port, or UNKNOWN."""
    match = _WITH_PORT.fullmatch(element)
    address = (match["v4"] or match["v6"]) if match else element
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return UNKNOWN
    return address
