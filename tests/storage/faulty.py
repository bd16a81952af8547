"""A relay in front of an HTTP server that fails as it is told to.

    with Faulty("http://127.0.0.1:9000") as relay:   # relay.address is what to connect to
        relay.delay_puts(2.0)
        ...
        relay.pass_on()
        assert relay.requests["PUT"] == 3

It runs in a thread of its own and its methods return when the new mode is in force, so that
tests without a loop and servers in other processes can use it. Requests that hang already
stay so until their client leaves or the relay ends. Signatures stay valid: the Host header
is handed on as it came.
"""

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

_HOP = ("connection", "expect", "keep-alive", "transfer-encoding")
_LONG = 1e9

_QUIET = logging.Logger("faulty", logging.CRITICAL)
"""What goes wrong here is meant to."""


@dataclass(frozen=True)
class Mode:
    """What becomes of a request: seconds that a PUT waits, the status and the error code that
    it gets instead of being handed on (0: none) if it is of that method (empty: any), its
    path begins so and one of its headers does (empty: whatever they are), with that message,
    whether it hangs, whether a 404 is kept from it, and after how many bytes
    of body, in either direction, its connection is cut or stands still (None: never)."""

    delay: float = 0.0
    status: int = 0
    code: str = ""
    method: str = ""
    path: str = "/"
    hang: bool = False
    deny: bool = False
    cut: int | None = None
    stall: int | None = None
    without: str = ""
    message: str = ""


class Faulty:
    """The relay; a context manager.

    `requests` counts what arrived, by method, `stalled` the bodies that stand still; `traced` has
    the headers of what came with a `traceparent`.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream.rstrip("/")
        self._mode = Mode()
        self._port = 0
        self._listener: asyncio.Server | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)
        self.requests: Counter[str] = Counter()
        self.traced: list[Mapping[str, str]] = []
        self.stalled = 0

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(60)
        assert not self._thread.is_alive()

    @property
    def address(self) -> str:
        """Where it listens, as a URL without a slash at its end; the same for all its life."""
        return f"http://127.0.0.1:{self._port}"

    def pass_on(self) -> None:
        """Hand everything on; listen again after `refuse`."""
        self._call(self._become(Mode()))

    def delay_puts(self, seconds: float) -> None:
        """Let each PUT wait before it is handed on."""
        self._call(self._become(Mode(delay=seconds)))

    def answer(self, status: int, method: str = "", *, code: str = "", path: str = "/") -> None:
        """Answer with that status, and that code of S3, what is of that method and below that
        path, and hand on the rest.

        Without a method and a path, everything is answered so.
        """
        code = code or f"Status{status}"
        self._call(self._become(Mode(status=status, code=code, method=method, path=path)))

    def refuse_header(
        self, status: int, prefix: str, *, code: str = "InvalidArgument", method: str = ""
    ) -> None:
        """Answer requests with a header that begins so as stores do that do not know it."""
        message = f"Unsupported header '{prefix}' received for this API call."
        mode = Mode(status=status, code=code, method=method, without=prefix, message=message)
        self._call(self._become(mode))

    def complain(self, status: int, code: str, message: str) -> None:
        """Answer every PUT with that status, code and message."""
        mode = Mode(status=status, code=code, message=message, method="PUT")
        self._call(self._become(mode))

    def deny_missing(self) -> None:
        """Say AccessDenied of keys that are not there, as S3 does to who may not list them."""
        self._call(self._become(Mode(deny=True)))

    def hang(self) -> None:
        """Accept and read, and answer nothing."""
        self._call(self._become(Mode(hang=True)))

    def cut(self, after: int) -> None:
        """Cut each connection after so many bytes of body, in either direction."""
        self._call(self._become(Mode(cut=after)))

    def stall(self, after: int) -> None:
        """Hand on so many bytes of each body, in either direction, and then no more."""
        self._call(self._become(Mode(stall=after)))

    def refuse(self) -> None:
        """Cut every connection and close the port."""
        self._call(self._close_port())

    def reset(self) -> None:
        """Count from zero."""
        self.requests.clear()

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._server = web.Server(
            self._serve, handler_cancellation=True, access_log=None, logger=_QUIET
        )
        patience = aiohttp.ClientTimeout(total=None, sock_connect=60)
        async with aiohttp.ClientSession(timeout=patience, auto_decompress=False) as session:
            self._session = session
            await self._become(Mode())
            self._ready.set()
            await self._over.wait()
            await self._close_port()
            await self._server.shutdown(0)

    async def _become(self, mode: Mode) -> None:
        self._mode = mode
        if self._listener is None:
            self._listener = await self._loop.create_server(self._server, "127.0.0.1", self._port)
            self._port = self._listener.sockets[0].getsockname()[1]

    async def _close_port(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for connection in list(self._server.connections):
            if connection.transport is not None:
                connection.transport.abort()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests[request.method] += 1
        if "traceparent" in request.headers:
            self.traced.append({"method": request.method, **request.headers})
        mode = self._mode
        if mode.hang:
            async for _ in request.content.iter_any():
                pass
            await asyncio.sleep(_LONG)
        concerned = mode.method in ("", request.method) and request.path.startswith(mode.path)
        named = any(name.lower().startswith(mode.without) for name in request.headers)
        if mode.status and concerned and named:
            return _refusal(mode.status, mode.code, mode.message)
        if request.method == "PUT":
            await asyncio.sleep(mode.delay)
        try:
            return await self._hand_on(request, mode)
        except (aiohttp.ClientError, OSError) as error:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("cut") from error

    async def _hand_on(self, request: web.BaseRequest, mode: Mode) -> web.StreamResponse:
        if request.headers.get("Expect", "").lower() == "100-continue":
            assert request.transport is not None
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        async with self._session.request(
            request.method,
            URL(self._upstream + request.raw_path, encoded=True),
            headers=_end_to_end(request.headers.items()),
            data=self._body(request.content, mode) if request.body_exists else None,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            allow_redirects=False,
        ) as answer:
            if mode.deny and answer.status == 404 and b"NoSuchBucket" not in await answer.read():
                return _refusal(403, "AccessDenied")
            response = web.StreamResponse(status=answer.status, reason=answer.reason)
            response.headers.update(_end_to_end(answer.headers.items()))
            await response.prepare(request)
            async for chunk in self._body(answer.content, mode):
                await response.write(chunk)
            await response.write_eof()
            return response

    async def _body(self, content: aiohttp.StreamReader, mode: Mode) -> AsyncIterator[bytes]:
        """The bytes of `content`, as far as the mode lets them through; may raise OSError."""
        left = mode.stall if mode.cut is None else mode.cut
        async for chunk in content.iter_any():
            if left is None:
                yield chunk
                continue
            if chunk[:left]:
                yield chunk[:left]
            left -= len(chunk)
            if left < 0 and mode.stall is not None:
                self.stalled += 1
                await asyncio.sleep(_LONG)
            if left < 0:
                raise ConnectionResetError("cut")


def _refusal(status: int, code: str, message: str = "") -> web.Response:
    text = f"<Error><Code>{code}</Code><Message>{message or 'as told'}</Message></Error>"
    return web.Response(status=status, text=text, content_type="application/xml")


def _end_to_end(headers: Any) -> CIMultiDict[str]:
    return CIMultiDict([each for each in headers if each[0].lower() not in _HOP])
