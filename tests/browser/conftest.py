"""One browser and one server of each kind for all tests of the package.

They end with it: while playwright runs, its thread has a running event loop, in which other
tests could not start theirs.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser
from web import servers

from . import chromium, scenes
from .studio import Studio

_NAMES = itertools.count()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The browser."""
    with chromium.running() as browser:
        yield browser


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., chromium.Visit]]:
    """Opens pages (see chromium.Visit); what went wrong in one fails the test."""
    visits: list[chromium.Visit] = []
    with contextlib.ExitStack() as stack:

        def start(home: str, *others: str, **options: object) -> chromium.Visit:
            visits.append(chromium.Visit(browser, home, others, **options))
            stack.callback(visits[-1].context.close)
            return visits[-1]

        yield start
    assert [each for visit in visits for each in visit.unexpected] == []


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"dog-{next(_NAMES)}"


@pytest.fixture(scope="package")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Process]:
    """A server with a studio behind a secret."""
    with servers.Process(
        tmp_path_factory.mktemp("server"),
        studio=True,
        secret=servers.SECRET,
        admin__secrets=[servers.ADMIN],
        constraints__max_upload_bytes=4 << 20,
        constraints__max_width=1000,
        constraints__max_height=1000,
        presets={"card": {"fit": "crop", "quality": "50"}},
    ) as process:
        yield process


@pytest.fixture(scope="package")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Process]:
    """A server as `scripts/serve` starts it: a studio and no secrets."""
    with servers.Process(tmp_path_factory.mktemp("bare"), studio=True) as process:
        yield process


@pytest.fixture
def studio(visit: Callable[..., chromium.Visit], process: servers.Process) -> Studio:
    """The studio behind a secret, entered."""
    studio = Studio(visit(process.url), process)
    studio.enter()
    return studio


@pytest.fixture
def opened(studio: Studio, name: str) -> Studio:
    """The studio with a photo of scenes.SIZE, `name`, in it."""
    studio.process.client.put_in(name, scenes.jpeg())
    studio.open(name)
    return studio
