"""Whose turn in the queue a request has, and whom the limits for one client count."""

from collections.abc import Callable
from typing import Any

from liveresize.core.jobs import Job
from liveresize.core.ports import JobHandle, Priority

from . import pictures, servers
from .conftest import Events

KEYS = {"limits__client_renders": 0.001, "limits__client_burst": 1}


def test_uploads_and_renders_wait_in_the_turn_of_their_client(
    launch: Callable[..., servers.Running],
) -> None:
    """Both say which client they are for, and an upload that it is one."""
    running = launch(trusted_proxies=["127.0.0.0/8"])
    workers, seen = running.components.workers, list[tuple[Priority, list[str]]]()
    run = workers.run

    async def watched(job: Job, *, handle: JobHandle | None = None) -> Any:
        assert handle is not None
        seen.append((handle.priority, list(handle.clients)))
        return await run(job, handle=handle)  # type: ignore[call-overload]

    with servers.replaced(workers, "run", watched):
        token = running.client.token("cat")
        running.client.headers["X-Forwarded-For"] = "2001:db8::1"
        assert running.client.upload("cat", pictures.jpeg(), token).status_code == 200
        assert running.client.get("/cat_20_0.jpg").status_code == 200
    client = "2001:db8::/64"
    assert seen == [(Priority.UPLOAD, [client]), (Priority.INTERACTIVE, [client])]


def test_an_unlisted_proxy_is_not_bounded_as_one_client(
    launch: Callable[..., servers.Running], events: Events
) -> None:
    """What it forwards is not counted against it, and it is warned about once."""
    running = launch(**KEYS)
    running.client.put_in("cat", pictures.jpeg())
    running.client.headers["X-Forwarded-For"] = "203.0.113.9"
    for width in (20, 21, 22):
        assert running.client.get(f"/cat_{width}_0.jpg").status_code == 200
    warnings = [line for line in events if line["event"] == "proxy_not_listed"]
    assert [line["client.ip"] for line in warnings] == ["127.0.0.1"]


def test_where_proxies_are_listed_a_forged_header_frees_nobody(
    launch: Callable[..., servers.Running],
) -> None:
    """A private peer that is no listed proxy is one client, whatever it sends."""
    running = launch(**KEYS, trusted_proxies=["192.0.2.1/32"])
    running.client.put_in("cat", pictures.jpeg())
    running.client.headers["X-Forwarded-For"] = "203.0.113.9"
    assert running.client.get("/cat_20_0.jpg").status_code == 200
    assert running.client.get("/cat_21_0.jpg").status_code == 429
