"""URLs of PostgreSQL as hosting providers hand them out."""

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from failures.cluster import Cluster, free_port, needs_pgserver
from web import certificates

from liveresize import __version__, errors
from liveresize.storage.index import engines
from liveresize.storage.index.postgresql_url import Connector

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("text", "host", "port", "query"),
    [
        (f"postgres://u:{SECRET}@db.example.com/d", "db.example.com", None, {}),
        (f"postgresql://u:{SECRET}@[::1]:6432/d?sslmode=allow", "::1", 6432, {"sslmode": "allow"}),
        (f"postgresql://u:{SECRET}@a:1,b:2/d", None, None, {"host": "a,b", "port": "1,2"}),
        (f"postgresql://u:{SECRET}@a,b:5433/d", None, None, {"host": "a,b", "port": "5432,5433"}),
        (f"postgresql://u:{SECRET}@a,b/d", None, None, {"host": "a,b"}),
        (f"postgresql://u:{SECRET}@/d?host=/run/pg", None, None, {"host": "/run/pg"}),
        (f"postgresql://u:{SECRET}@%2Frun%2Fpg:1/d", None, None, {"host": "/run/pg", "port": "1"}),
        (f"postgresql:///d?host=db&port=6432&user=u&password={SECRET}", "db", 6432, {}),
        (f"postgresql://db?dbname=d&user=u&password={SECRET}", "db", None, {}),
        (f"postgresql://u:{SECRET}@db/d?ssl=true", "db", None, {"sslmode": "require"}),
        (
            f"postgresql://u:{SECRET}@ep-x.neon.tech/d?sslmode=require&channel_binding=require",
            "ep-x.neon.tech",
            None,
            {"sslmode": "verify-full", "sslrootcert": "system"},
        ),
        (
            f"postgresql://u:{SECRET}@db/d?sslrootcert=system",
            "db",
            None,
            {"sslmode": "verify-full", "sslrootcert": "system"},
        ),
        (
            f"postgresql://u:{SECRET}@db/d?gssencmode=disable&sslcompression=0",
            "db",
            None,
            {"gssencmode": "disable", "sslcompression": "0"},
        ),
    ],
)  # fmt: skip
def test_what_providers_hand_out_is_understood(
    text: str, host: str | None, port: int | None, query: dict[str, str]
) -> None:
    """Several hosts, sockets and the parameters of libpq, as libpq reads them."""
    url = engines.parse_url(text)
    assert (url.host, url.port, dict(url.query)) == (host, port, query)
    assert (url.username, url.password, url.database) == ("u", SECRET, "d")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (f"postgresql://u:{SECRET}@db/d?pgbouncer=true", "`pgbouncer`"),
        (f"postgresql://u:{SECRET}@db/d?sslmode=strict", "sslmode"),
        (f"postgresql://u:{SECRET}@db/d?connect_timeout=soon", "connect_timeout"),
        (f"postgresql://u:{SECRET}@db/d?gssencmode=require", "gssencmode"),
        (f"postgresql://u:{SECRET}@d/d?sslmode=disable&channel_binding=require", "channel_binding"),
        (f"postgresql://u:{SECRET}@db/d?sslmode=require&sslrootcert=system", "sslrootcert=system"),
        (f"postgresql://u:{SECRET}@db/d?sslmode=verify-full", "postgresql.ca"),
        (f"postgresql://u:{SECRET}@db/d?sslcert=/nothing/here.pem", "/nothing/here.pem"),
        (f"postgresql://u:{SECRET}@db/d?sslnegotiation=direct", "sslnegotiation"),
        (f"postgresql://u:{SECRET}@db/d?hostaddr=::1&host=other", "hostaddr"),
        (f"postgresql://u:{SECRET}@a,b,c:5432/d?port=1,2", "one port"),
        (f"postgresql://u:{SECRET}@db:many/d", "hosts must be"),
        (f"postgresql://u:pass?{SECRET}@db/d", "percent-encoded"),
        (f"postgresql://u:p/{SECRET}@db/d", "hosts must be"),
        (f"postgresql://u@db/d?{SECRET}=1", "its parameter one"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_by_name(
    text: str, named: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The message has the name of the parameter, and nothing of the password."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(errors.SettingsError) as refusal:
        engines.parse_url(text)
    assert named in refusal.value.public
    assert SECRET not in f"{refusal.value.public} {refusal.value.detail}"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> certificates.Pair:
    """A certificate of 127.0.0.1."""
    return certificates.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL, without TLS of its own."""
    with Cluster() as made:
        made.start()
        yield made


class Encryption:
    """TLS in front of a PostgreSQL that has none, as its server would offer it.

    The build that the tests install has no TLS; `seen` says of each session whether it was
    encrypted.
    """

    def __init__(self, behind: int, pair: certificates.Pair) -> None:
        self._behind = behind
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pair.certificate, pair.key)
        self.seen: list[bool] = []
        self.port = 0
        self._sessions: set[asyncio.Task[None]] = set()

    async def serve(self, ready: Callable[[], None], end: asyncio.Event) -> None:
        """Answer until `end` is set."""
        async with await asyncio.start_server(self._answer, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            ready()
            await end.wait()
        for session in self._sessions:
            session.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Keep the session, so that none is left behind."""
        session = asyncio.create_task(self._session(reader, writer))
        self._sessions.add(session)
        session.add_done_callback(self._sessions.discard)

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError), contextlib.closing(writer):
            first = await reader.readexactly(8)
            encrypted = first == struct.pack("!ii", 8, 80877103)
            if encrypted:
                writer.write(b"S")
                await writer.start_tls(self._context)
                first = b""
            inner, outer = await asyncio.open_connection("127.0.0.1", self._behind)
            with contextlib.closing(outer):
                self.seen.append(encrypted)
                outer.write(first)
                await asyncio.gather(pass_on(reader, outer), pass_on(inner, writer))


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy bytes until one side ends."""
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture(scope="module")
def encryption(cluster: Cluster, pair: certificates.Pair) -> Iterator[Encryption]:
    """The same PostgreSQL with TLS in front, which clients need not use."""
    made, ready = Encryption(cluster.port, pair), threading.Event()
    loop, end = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(
        target=lambda: loop.run_until_complete(made.serve(ready.set, end)), daemon=True
    )
    thread.start()
    assert ready.wait(30)
    yield made
    loop.call_soon_threadsafe(end.set)
    thread.join(30)
    loop.close()


def ask(url: str, question: str) -> object:
    """The answer of the database at `url`, by an engine of the index."""

    async def main() -> object:
        engine = engines.build(engines.parse_url(url), pool=1, patience=20.0)
        try:
            return await engine.run(lambda connection: connection.scalar(sa.text(question)))
        finally:
            await engine.dispose()

    return asyncio.run(main())


def encrypted(encryption: Encryption, query: str, host: str = "127.0.0.1") -> bool:
    """Whether a session with that query in its URL is encrypted."""
    encryption.seen.clear()
    assert ask(f"postgresql://postgres@{host}:{encryption.port}/postgres?{query}", "SELECT 7") == 7
    return encryption.seen[-1]


@needs_pgserver
@pytest.mark.parametrize(
    ("query", "is_encrypted"),
    [
        ("sslmode=disable", False),
        ("sslmode=allow", False),
        ("sslmode=prefer", True),
        ("", True),
        ("sslmode=require", True),
        ("sslmode=require&sslrootcert={ca}", True),
        ("sslmode=verify-ca&sslrootcert={ca}", True),
        ("sslmode=verify-full&sslrootcert={ca}", True),
        ("sslmode=verify-full&sslrootcert={ca}&sslcert={ca}&sslkey={key}", True),
        ("sslmode=require&channel_binding=prefer", True),
    ],
)
def test_each_mode_of_encryption_is_that_of_libpq(
    query: str, is_encrypted: bool, encryption: Encryption, pair: certificates.Pair
) -> None:
    """On a server that offers TLS and does not require it."""
    query = query.format(ca=pair.certificate, key=pair.key)
    assert encrypted(encryption, query) is is_encrypted


@needs_pgserver
def test_only_a_verifying_mode_refuses_a_wrong_certificate(
    encryption: Encryption, pair: certificates.Pair, tmp_path: Path
) -> None:
    """verify-ca by its CA, verify-full by its name as well."""
    other, own = certificates.make(tmp_path / "other").certificate, pair.certificate
    with pytest.raises(OSError, match="certificate verify failed"):
        encrypted(encryption, f"sslmode=verify-ca&sslrootcert={other}")
    assert encrypted(encryption, f"sslmode=verify-ca&sslrootcert={own}", "localhost")
    with pytest.raises(OSError, match="certificate verify failed"):
        encrypted(encryption, f"sslmode=verify-full&sslrootcert={own}", "localhost")


@needs_pgserver
@pytest.mark.parametrize("query", ["sslrootcert=system", "sslmode=require&channel_binding=require"])
def test_the_cas_of_the_machine_verify_where_libpq_asks_for_them(
    query: str,
    encryption: Encryption,
    pair: certificates.Pair,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With channel_binding=require too, which asyncpg has not."""
    with pytest.raises(OSError, match="certificate verify failed"):
        encrypted(encryption, query)
    monkeypatch.setenv("SSL_CERT_FILE", str(pair.certificate))
    assert encrypted(encryption, query)


@needs_pgserver
def test_a_server_without_tls_is_refused_where_it_is_required(cluster: Cluster) -> None:
    """And used without where it is preferred."""
    url = f"postgresql://postgres@127.0.0.1:{cluster.port}/postgres?sslmode="
    assert ask(f"{url}prefer", "SELECT 7") == 7
    with pytest.raises(OSError, match="rejected SSL upgrade"):
        ask(f"{url}require", "SELECT 7")


@needs_pgserver
@pytest.mark.parametrize(
    ("query", "setting", "value"),
    [
        ("application_name=pictures", "application_name", "pictures"),
        ("", "application_name", f"liveresize/{__version__}"),
        ("application_name=liveresize", "application_name", f"liveresize/{__version__}"),
        ("fallback_application_name=site", "application_name", "site"),
        ("options=-c%20search_path%3Dpublic", "search_path", "public"),
        ("options=-c%20statement_timeout%3D1234", "statement_timeout", "1234ms"),
    ],
)
def test_settings_of_the_session_reach_the_server(
    query: str, setting: str, value: str, cluster: Cluster
) -> None:
    """The name of the application, and what `options` sets."""
    url = f"postgresql://postgres@127.0.0.1:{cluster.port}/postgres?{query}"
    assert ask(url, f"SHOW {setting}") == value


@needs_pgserver
def test_keepalives_are_those_of_the_url(cluster: Cluster) -> None:
    """libpq has them on, with the times of the kernel."""

    async def main() -> None:
        base = f"postgresql://postgres@127.0.0.1:{cluster.port}/postgres?connect_timeout=10"
        times = "keepalives_idle=31&keepalives_interval=7&keepalives_count=3&tcp_user_timeout=9000"
        for query, alive in ((times, 1), ("", 1), ("keepalives=0", 0)):
            connection = await Connector(engines.parse_url(f"{base}&{query}"), 20.0)()
            plain = connection._transport.get_extra_info("socket")
            assert plain.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == alive
            if query == times:
                names = ("KEEPIDLE", "KEEPINTVL", "KEEPCNT", "USER_TIMEOUT")
                options = [getattr(socket, f"TCP_{name}") for name in names]
                found = [plain.getsockopt(socket.IPPROTO_TCP, option) for option in options]
                assert found == [31, 7, 3, 9000]
            await connection.close()

    asyncio.run(main())


@needs_pgserver
def test_the_next_host_answers_for_one_that_is_gone(cluster: Cluster) -> None:
    """Nobody listens on the first port."""
    hosts = f"127.0.0.1:{free_port()},127.0.0.1:{cluster.port}"
    assert ask(f"postgresql://postgres@{hosts}/postgres", "SELECT 7") == 7


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@needs_pgserver
def test_a_silent_host_is_not_waited_for_twice(cluster: Cluster) -> None:
    """A lookup that gives up on it leads the next one to the other host."""

    async def main(silent: int) -> None:
        hosts = f"127.0.0.1:{silent},127.0.0.1:{cluster.port}"
        connect = Connector(engines.parse_url(f"postgresql://postgres@{hosts}/postgres"), 60.0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await connect()
        connection = await connect()
        assert await connection.fetchval("SELECT inet_server_port()") == cluster.port
        await connection.close()

    with silent_port() as silent:
        asyncio.run(asyncio.wait_for(main(silent), 30))


@needs_pgserver
@pytest.mark.parametrize(
    ("role", "accepted"),
    [("read-write", False), ("read-only", True), ("any", True), ("prefer-standby", True)],
)
def test_a_server_that_takes_no_writes_is_used_as_the_url_says(
    role: str, accepted: bool, cluster: Cluster
) -> None:
    """Here one whose sessions are read-only."""
    query = f"options=-c%20default_transaction_read_only%3Don&target_session_attrs={role}"
    url = f"postgresql://postgres@127.0.0.1:{cluster.port}/postgres?{query}"
    if accepted:
        assert ask(url, "SELECT 7") == 7
        return
    with pytest.raises(sa.exc.SQLAlchemyError, match="target attribute"):
        ask(url, "SELECT 7")


@needs_pgserver
def test_of_several_hosts_only_one_that_takes_writes_will_do(cluster: Cluster) -> None:
    """Without `target_session_attrs`: the index writes."""
    hosts = ",".join([f"127.0.0.1:{cluster.port}"] * 2)
    query = "options=-c%20default_transaction_read_only%3Don"
    with pytest.raises(sa.exc.SQLAlchemyError, match="target attribute"):
        ask(f"postgresql://postgres@{hosts}/postgres?{query}", "SELECT 7")
