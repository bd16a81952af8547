"""Debian's Chromium, and pages of it that remember whatever went wrong in them."""

import contextlib
import re
import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    Request,
    expect,
    sync_playwright,
)

PROGRAM = shutil.which("chromium")

needs_chromium = pytest.mark.skipif(
    PROGRAM is None, reason="chromium is not installed; scripts/test --all installs it"
)

PATIENCE = 60_000.0
"""Milliseconds after which a test gives up on what a page must do, on a busy machine too."""

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

_TELL = """
document.addEventListener("securitypolicyviolation", (event) => {
    console.error(`policy: ${event.effectiveDirective} refused ${event.blockedURI}`);
});
"""
"""Chromium says on the console itself what a policy refuses, but not always that it was one."""


@contextlib.contextmanager
def running() -> Iterator[Browser]:
    """A browser without a window.

    While it runs, its thread has a running event loop: no test beside it may start another.
    """
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=PROGRAM, headless=True, args=_ARGUMENTS, timeout=PATIENCE
        )
        try:
            yield browser
        finally:
            browser.close()


def dense(browser: Browser, ratio: float, size: tuple[int, int]) -> Browser:
    """A browser with a window of `size` on a screen with so many pixels for one of CSS.

    `device_scale_factor` of a context scales what has been laid out in pixels of CSS, so that
    with a fraction it does not show what such a screen does. Contexts take `no_viewport=True`.
    """
    return browser.browser_type.launch(
        executable_path=PROGRAM,
        args=[
            *_ARGUMENTS,
            f"--force-device-scale-factor={ratio}",
            f"--window-size={size[0]},{size[1]}",
        ],
        timeout=PATIENCE,
    )


class Visit:
    """A page in a context of its own, as of somebody who comes for the first time.

    `wrong` collects errors and warnings of its console, errors that no script caught,
    requests that failed, and those to another origin than `home`'s or one of `others`.
    """

    def __init__(
        self, browser: Browser, home: str, others: tuple[str, ...] = (), **options: Any
    ) -> None:
        """`options` are those of playwright's new_context."""
        self.home = home
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self._expected: list[str] = []
        self._origins = {_origin(home), *map(_origin, others)}
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(PATIENCE)
        self.context.add_init_script(_TELL)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", self._uncaught)
        self.page.on("request", self._left)
        self.page.on("requestfailed", self._failed)

    def expect(self, *patterns: str) -> None:
        """What matches one of these regular expressions may go wrong from here on."""
        self._expected += patterns

    @property
    def unexpected(self) -> list[str]:
        """What went wrong and was not expected."""
        return [
            each
            for each in self.wrong
            if not any(re.search(pattern, each) for pattern in self._expected)
        ]

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.wrong.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _uncaught(self, error: Error) -> None:
        self.wrong.append(f"uncaught: {error}")

    def _left(self, request: Request) -> None:
        self.asked.append(request.url)
        if _origin(request.url) not in self._origins and not _inside(request.url):
            self.wrong.append(f"foreign: {request.url}")

    def _failed(self, request: Request) -> None:
        # A page that no longer wants an answer breaks off; that is how it should be.
        if request.failure != "net::ERR_ABORTED":
            self.wrong.append(f"failed: {request.url}: {request.failure}")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _inside(url: str) -> bool:
    """Whether it never leaves the browser."""
    return url.startswith(("blob:", "data:"))
