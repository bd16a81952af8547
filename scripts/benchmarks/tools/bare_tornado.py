"""A Tornado server whose one handler redirects, without a log; its argument is the port.

It is the least that Tornado does for the 303 of a hit, on the same event loop as ours.
"""

import asyncio
import contextlib
import sys

from tornado import web

from liveresize.app import server

TARGET = "/_renditions/photo/0193fd0c0d2a7f5e8f6c3b2a1d0e9f8c/780x0-q80-jpeg.jpg"


class Redirect(web.RequestHandler):
    """Answers every GET with 303."""

    def get(self) -> None:
        self.redirect(TARGET, status=303)


async def serve(port: int) -> None:
    """Serve until the process is ended."""
    application = web.Application([(r"/.*", Redirect)], log_function=lambda _: None)
    application.listen(port, "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    with (
        contextlib.suppress(KeyboardInterrupt),
        asyncio.Runner(loop_factory=server.loop_factory()) as runner,
    ):
        runner.run(serve(int(sys.argv[1])))
