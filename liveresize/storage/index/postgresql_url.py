"""URLs of PostgreSQL as libpq reads them, and connections made as it makes them.

libpq is the library that most programs, and the URLs of hosting providers, are written for.
Its parameters are passed to asyncpg, translated, or ignored if they change nothing here; any
other parameter is refused by name. asyncpg has no channel binding: where a URL requires it, the
certificate of the server is verified instead, which also detects a server in between.
"""

import asyncio
import os
import random
import re
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

import asyncpg
import sqlalchemy as sa

from liveresize import __version__, errors

DRIVER = "postgresql+asyncpg"

APPLICATION = "liveresize"
"""The name of connections of 1.0.0; it hides no pictures, and later releases tell it apart by that
name."""

_PLACE = ("host", "port", "hostaddr", "user", "password", "dbname", "database")
"""Parameters that stand for a part of the URL."""

_VERIFYING = ("verify-ca", "verify-full")

_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "sslmode": ("disable", "allow", "prefer", "require", *_VERIFYING),
    "channel_binding": ("disable", "prefer", "require"),
    "target_session_attrs": (
        "any",
        "read-write",
        "read-only",
        "primary",
        "standby",
        "prefer-standby",
    ),
    "sslnegotiation": ("postgres", "direct"),
    "ssl_min_protocol_version": _VERSIONS,
    "ssl_max_protocol_version": _VERSIONS,
    "load_balance_hosts": ("disable", "random"),
    "gssencmode": ("disable", "prefer"),
    "sslcertmode": ("allow",),
    "sslcompression": ("0", "1"),
    "sslsni": ("1",),
    "replication": ("false", "off", "no", "0"),
    "client_encoding": ("auto", "UTF8", "utf8", "UTF-8", "utf-8", "unicode", "UNICODE"),
    "gsslib": ("gssapi",),
}

_NUMBERS = (
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
)

_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")

_TEXTS = (
    "application_name",
    "fallback_application_name",
    "options",
    "sslpassword",
    "krbsrvname",
    "passfile",
    "service",
)

_FOR_ASYNCPG = (
    "sslmode",
    *_FILES,
    "sslpassword",
    "sslnegotiation",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "krbsrvname",
    "gsslib",
    "passfile",
    "service",
)
"""Parameters that asyncpg reads as libpq does."""

_SOCKET_OPTIONS: Mapping[str, int] = {
    "keepalives_idle": socket.TCP_KEEPIDLE,
    "keepalives_interval": socket.TCP_KEEPINTVL,
    "keepalives_count": socket.TCP_KEEPCNT,
    "tcp_user_timeout": socket.TCP_USER_TIMEOUT,
}

_ANOTHER_HOST = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TargetServerAttributeNotMatched,
)
"""Errors after which libpq tries the next host; a wrong password is none."""


def parse(text: str) -> sa.URL:
    """Parse the URL of a PostgreSQL database. Raises SettingsError, without the password.

    The query of the result has the parameters of libpq that are needed to connect. One host is
    in `host` and `port`; several, or the folder of a socket, are in the query, with commas.
    """
    rest, _, query = text.partition("://")[2].partition("?")
    if "@" in query and "@" not in rest:
        raise _refused("a password needs its ?, #, / and @ percent-encoded (? is %3F)")
    parameters = _parameters(query)
    authority, _, database = rest.partition("/")
    account, _, place = authority.rpartition("@")
    user, _, password = account.partition(":")
    hosts, ports = _hosts(place, parameters)
    named = parameters.pop("database", ""), parameters.pop("dbname", "")
    url = sa.URL.create(
        DRIVER,
        parameters.pop("user", "") or unquote(user),
        parameters.pop("password", "") or unquote(password),
        database=named[1] or named[0] or unquote(database),
        query=_with_security(parameters),
    )
    if len(hosts) == 1 and not hosts[0].startswith("/"):
        return url.set(host=hosts[0], port=int(ports[0]) if ports else None)
    places = {"host": ",".join(hosts), "port": ",".join(ports)}
    return url.update_query_dict({name: value for name, value in places.items() if value})


def _refused(reason: str) -> errors.SettingsError:
    return errors.SettingsError(f"The URL of the database cannot be used: {reason}.")


def _parameters(query: str) -> dict[str, str]:
    """Return the parameters of the query, checked one by one; of equal names the last counts."""
    found = dict(parse_qsl(query))
    if "ssl" in found:  # of JDBC and SQLAlchemy; libpq takes the first
        mode = found.pop("ssl")
        found.setdefault("sslmode", {"true": "require", "false": "disable"}.get(mode, mode))
    for name, value in found.items():
        if name in _CHOICES:
            if value not in _CHOICES[name]:
                raise _refused(f"{name} must be {' or '.join(_CHOICES[name])}")
        elif name in _NUMBERS:
            if not re.fullmatch(r"-?[0-9]{1,9}", value):
                raise _refused(f"{name} must be a whole number")
        elif name in _FILES:
            _check_file(name, value)
        elif name not in _TEXTS and name not in _PLACE:
            # A name that looks like none may be a part of the password.
            shown = f"`{name}`" if re.fullmatch("[A-Za-z][A-Za-z_]{0,40}", name) else "one"
            raise _refused(
                f"its parameter {shown} is not one of libpq, or is not supported: leave it out"
            )
    return found


def _check_file(name: str, value: str) -> None:
    if name == "sslrootcert" and value == "system":
        return
    try:
        with Path(value).open("rb"):
            pass
    except OSError as error:
        also = " or postgresql.ca" if name == "sslrootcert" else ""
        raise _refused(
            f"the file of {name}{also}, {value}, cannot be read ({error.strerror})"
        ) from error


def _hosts(place: str, parameters: dict[str, str]) -> tuple[list[str], list[str]]:
    """Return the hosts and the ports, none or one for each host."""
    hosts, ports = [], []
    for each in place.split(","):
        found = re.fullmatch(r"(?:\[([^\]]+)\]|([^:\[\]]*))(?::([0-9]{0,5}))?", each)
        if not found:
            raise _refused("its hosts must be `host`, `host:port`, or several with commas between")
        hosts.append(found[1] or unquote(found[2]))
        ports.append(found[3] or "")
    direct = parameters.pop("hostaddr", "")
    if host := parameters.pop("host", "") or direct:
        if direct not in ("", host):
            raise _refused("hostaddr is supported without host only")
        hosts = host.split(",")
        ports = ports if len(ports) == len(hosts) else [""]
    if port := parameters.pop("port", ""):
        ports = port.split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    if hosts == [""]:
        hosts = []
    if not all(hosts) or (hosts and len(ports) != len(hosts)):
        raise _refused("there must be one port, or one for each host")
    if not all(re.fullmatch("[0-9]{0,5}", each) for each in ports):
        raise _refused("port must be a whole number")
    if not any(ports):
        return hosts, []
    return hosts, [each or "5432" for each in ports]


def _with_security(parameters: dict[str, str]) -> dict[str, str]:
    """Return parameters that verify the server's certificate as they are meant to."""
    binding = parameters.pop("channel_binding", "prefer")
    mode = parameters.get("sslmode", "")
    if binding == "require":
        if mode == "disable":
            raise _refused("channel_binding=require needs TLS, which sslmode=disable excludes")
        mode = "verify-full"
        parameters.setdefault("sslrootcert", "system")
    if parameters.get("sslrootcert") == "system":
        if mode not in ("", "verify-full"):
            raise _refused("sslrootcert=system needs sslmode=verify-full")
        mode = "verify-full"
    if parameters.get("sslnegotiation") == "direct" and mode not in ("require", *_VERIFYING):
        raise _refused("sslnegotiation=direct needs sslmode=require or more")
    if mode in _VERIFYING and "sslrootcert" not in parameters and not _has_root():
        raise _refused(
            f"sslmode={mode} needs the CA of the server's certificate: set postgresql.ca to its "
            "file, or to `system` for the CAs of this machine"
        )
    return {**parameters, "sslmode": mode} if mode else parameters


def _has_root() -> bool:
    """Whether a CA is where libpq looks for one by default."""
    home = Path(os.environ.get("HOME", "/"), ".postgresql", "root.crt")
    return bool(os.environ.get("PGSSLROOTCERT")) or home.is_file()


class Connector:
    """Connects to the first of the hosts that answers and has the role that is asked for.

    A host that failed is tried last from then on. Each attempt may take `patience` seconds, or
    less if `connect_timeout` says so; several hosts share them. With several hosts and without
    `target_session_attrs`, only a server that takes writes will do: this is what a standby
    beside its primary needs, and the index has no use for another.
    """

    def __init__(self, url: sa.URL, patience: float) -> None:
        self._parameters = {name: str(value) for name, value in url.query.items()}
        self._hosts = _places(url)
        limit = int(self._parameters.get("connect_timeout", 0))
        share = patience / max(1, len(self._hosts))
        self._common: dict[str, Any] = {
            "dsn": _dsn(self._parameters),
            "user": url.username or None,
            "password": url.password or None,
            "database": url.database or None,
            "timeout": min(limit, patience) if limit > 0 else share,
            "command_timeout": patience,
            # Named statements live in one server connection, and behind PgBouncer the
            # next transaction may be on another.
            "statement_cache_size": 0,
            "server_settings": _server_settings(self._parameters),
        }
        if self._parameters.get("sslrootcert") == "system":
            self._common["ssl"] = _verifying(self._parameters)
        several = len(self._hosts) > 1
        role = self._parameters.get("target_session_attrs", "read-write" if several else "any")
        self._roles = ("standby", "any") if role == "prefer-standby" else (role,)

    async def __call__(self) -> "asyncpg.Connection[asyncpg.Record]":
        """Connect. Raises OSError and the errors of asyncpg."""
        hosts = list(self._hosts)
        if self._parameters.get("load_balance_hosts") == "random":
            random.shuffle(hosts)
        failure: Exception | None = None
        for role in self._roles:
            for place in hosts:
                try:
                    return await self._connect(place, role)
                except _ANOTHER_HOST as error:
                    failure = error
                    self._postpone(place)
                except asyncio.CancelledError:
                    self._postpone(place)  # a GET does not wait for a host that is silent
                    raise
        assert failure is not None
        raise failure

    def _postpone(self, place: tuple[str | None, int | None]) -> None:
        if self._hosts[0] == place:
            self._hosts.append(self._hosts.pop(0))

    async def _connect(
        self, place: tuple[str | None, int | None], role: str
    ) -> "asyncpg.Connection[asyncpg.Record]":
        host, port = place
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
            host=host, port=port, target_session_attrs=role, **self._common
        )
        self._keep_alive(connection)
        return connection

    def _keep_alive(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        """Set the options of the socket that the URL asks for; libpq keeps it alive by default."""
        plain = connection._transport.get_extra_info("socket")
        if plain.family == socket.AF_UNIX:
            return
        keep = self._parameters.get("keepalives") != "0"
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(keep))
        for name, option in _SOCKET_OPTIONS.items():
            if (value := int(self._parameters.get(name, 0))) > 0:
                plain.setsockopt(socket.IPPROTO_TCP, option, value)


def _places(url: sa.URL) -> list[tuple[str | None, int | None]]:
    """Return host and port of each server; None leaves them to the environment."""
    if url.host:
        return [(url.host, url.port)]
    hosts, ports = (str(url.query.get(name, "")).split(",") for name in ("host", "port"))
    ports = ports if len(ports) == len(hosts) else ports[:1] * len(hosts)
    return [
        (host or None, int(port) if port else None) for host, port in zip(hosts, ports, strict=True)
    ]


def _dsn(parameters: Mapping[str, str]) -> str:
    """Return what asyncpg takes from a URL only."""
    chosen = {name: parameters[name] for name in _FOR_ASYNCPG if name in parameters}
    if chosen.get("sslrootcert") == "system":
        chosen = {name: value for name, value in chosen.items() if name not in ("sslmode", *_FILES)}
    return f"postgresql://?{urlencode(chosen)}"


def _verifying(parameters: Mapping[str, str]) -> ssl.SSLContext:
    """Return a context that trusts the CAs of this machine. Raises SettingsError."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["postgresql"])  # of direct TLS, since PostgreSQL 17
    if certificate := parameters.get("sslcert"):
        password = parameters.get("sslpassword", "")
        try:
            context.load_cert_chain(certificate, parameters.get("sslkey"), lambda: password)
        except OSError as error:
            raise _refused("sslcert and sslkey do not belong together") from error
    return context


def _server_settings(parameters: Mapping[str, str]) -> dict[str, str]:
    fallback = parameters.get("fallback_application_name", APPLICATION)
    name = parameters.get("application_name", fallback)
    settings = {"application_name": f"{name}/{__version__}" if name == APPLICATION else name}
    if options := parameters.get("options"):
        settings["options"] = options
    return settings
