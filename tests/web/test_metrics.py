"""/_metrics: who may read it, in which form, and what a session of requests moves."""

import os
import random
import shutil
import signal
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from storage import s3worlds

from liveresize.app import lifecycle
from liveresize.observe.metrics import intake, registry, renders, requests, spans, stores

from . import metering, pictures, servers, wire
from .metering import Reading, series

COUNTED = (
    "requests_total",
    "uploads_total",
    "upload_bytes_total",
    "tokens_total",
    "renders_total",
    "memory_cache_hits_total",
    "memory_cache_misses_total",
)


def asked(route: str, status: int, method: str = "GET", cache: str = "none") -> metering.Series:
    """The series of such a request."""
    return series("requests_total", route=route, status=str(status), method=method, cache=cache)


SCRAPED = {asked("status", 200): 1.0}
"""What the first of two scrapes adds to the second."""


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_only_networks_of_admins_may_read_it(
    launch: Callable[..., servers.Running], method: str
) -> None:
    """And holders of an admin secret. Others get 403 in JSON, and what they are is decided past
    the proxies that are trusted."""
    running = launch(
        admin__networks=["127.0.0.0/8"],
        admin__secrets=[servers.ADMIN],
        trusted_proxies=["127.0.0.1/32"],
    )

    def scraped(**headers: str) -> httpx.Response:
        return running.client.request(method, "/_metrics", headers=headers)

    assert scraped().status_code == 200
    far = {"X-Forwarded-For": "192.0.2.1"}
    assert scraped(**far, Authorization=f"Bearer {servers.ADMIN}").status_code == 200
    for wrong in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": servers.ADMIN}):
        answer = scraped(**far, **wrong)
        assert answer.status_code == 403
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in answer.headers
        if method == "GET":
            assert answer.json()["code"] == "network_refused"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text/plain; version=0.0.4"),
        ("*/*", "text/plain; version=0.0.4"),
        ("text/plain;version=\xe9", "text/plain; version=0.0.4"),
        ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "application/openmetrics"),
        ("application/openmetrics-text; version=nonsense", "application/openmetrics-text"),
        ("application/openmetrics-text;version=9;escaping=x", "application/openmetrics-text"),
    ],
)
def test_the_form_is_negotiated(server: servers.Running, accept: str, kind: str) -> None:
    """OpenMetrics for whoever takes it, else the plain text; nobody may keep either."""
    reply = wire.ask(server.port, "/_metrics", Accept=accept)
    assert reply.status == 200
    assert reply.headers["content-type"].startswith(kind)
    assert (reply.headers["cache-control"], reply.headers["vary"]) == ("no-store", "Accept")
    assert reply.body.endswith(b"# EOF\n") == kind.startswith("application")
    assert b"\nliveresize_ready 1.0\n" in reply.body
    assert b" # {" not in reply.body  # an exemplar
    assert b"_created" not in reply.body


def test_head_tells_the_length_alone(server: servers.Running) -> None:
    """As everywhere; other methods are 405."""
    reply = wire.ask(server.port, "/_metrics", "HEAD")
    assert (reply.status, reply.body) == (200, b"")
    assert int(reply.headers["content-length"]) > 1000
    assert wire.ask(server.port, "/_metrics", "POST").status == 405


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_prometheus_takes_it(server: servers.Running) -> None:
    """Its own tool finds nothing to remark on: names, units and help texts are as it asks."""
    text = server.client.get("/_metrics").content
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_pictures_are_counted_by_what_came_of_them(
    launch: Callable[..., servers.Running],
) -> None:
    """A miss, a hit, what has not changed, what is not there, what is too large."""
    running = launch()
    web = running.client
    web.put_in("cat", pictures.jpeg())
    before = Reading.of(web)
    etag = web.get("/cat_20_0.png").headers["ETag"]
    assert web.get("/cat_20_0.png?proxy=true").headers["X-Cache"] == "HIT-MEMORY"
    said = {"If-None-Match": etag}
    assert web.get("/cat_20_0.png?proxy=true", headers=said).status_code == 304
    assert web.get("/dog_20_0.png").status_code == 404
    assert web.get("/cat_20_0.xyz").status_code == 400
    assert web.get("/cat_9000_0.png").status_code == 307
    assert web.head("/cat_20_0.png").status_code == 200
    assert web.get("/cat.json").status_code == 200
    assert web.get("/cat.jpg").status_code == 200
    assert web.get("/a/b/c").status_code == 404
    after = Reading.of(web)
    assert after.since(before, *COUNTED) == SCRAPED | {
        asked("rendition", 200, cache="MISS"): 1,
        asked("hit", 200, cache="HIT-MEMORY"): 1,
        asked("hit", 304, cache="HIT-MEMORY"): 1,
        asked("rendition", 404): 1,
        asked("rendition", 400): 1,
        asked("rendition", 307): 1,
        asked("rendition", 200, "HEAD"): 1,
        asked("facts", 200): 1,
        asked("original", 200, cache="HIT"): 1,
        asked("other", 404): 1,
        series("renders_total", format="png", outcome="ok"): 1,
        series("memory_cache_hits_total"): 2,
        series("memory_cache_misses_total"): 4,
    }
    for part in renders.PARTS:
        name = f"render_{part}_seconds_count"
        assert after.since(before, name) == {series(name, format="png"): 1}
    assert after.since(before, "request_duration_seconds_count") == {
        series("request_duration_seconds_count", route="hit"): 2,
        series("request_duration_seconds_count", route="rendition"): 5,
        series("request_duration_seconds_count", route="facts"): 1,
        series("request_duration_seconds_count", route="original"): 1,
        series("request_duration_seconds_count", route="other"): 1,
        series("request_duration_seconds_count", route="status"): 1,
    }


def test_bytes_are_counted_as_they_were_sent(server: servers.Running, name: str) -> None:
    """The bodies of both ways out, and none of a HEAD."""
    web = server.client
    web.put_in(name, pictures.jpeg())
    before = Reading.of(web)
    made = web.get(f"/{name}_20_0.jpg?proxy=true").content
    assert web.get(f"/{name}_20_0.jpg?proxy=true").content == made
    web.head(f"/{name}_20_0.jpg?proxy=true")
    moved = Reading.of(web).since(before, "response_bytes_total")
    assert moved[series("response_bytes_total", route="rendition")] == len(made)
    assert moved[series("response_bytes_total", route="hit")] == len(made)


def test_uploads_and_tokens_are_counted_by_what_came_of_them(
    launch: Callable[..., servers.Running],
) -> None:
    """Stored, refused for the bytes, refused for the token; a token refused for its id and
    for its secret."""
    running = launch(secret=servers.SECRET, vip__buckets=["pics"], vip__token="let me")
    web = running.client
    before = Reading.of(web)
    image, text = pictures.jpeg(), b"not an image at all"
    web.put_in("cat", image)
    assert web.upload("dog", text, web.token("dog")).status_code == 415
    assert web.upload("dog", image, "nonsense").status_code == 403
    assert web.post("/token", json={"id": "cat", "secret": servers.SECRET}).status_code == 403
    assert web.post("/token", json={"id": "x", "secret": "guess"}).status_code == 401
    known = {"X-Vip-Token": "let me"}
    assert web.post("/upload/pics", content=image, headers=known).status_code == 201
    assert web.post("/upload/pics", content=image).status_code == 401
    assert web.post("/upload/else", content=image, headers=known).status_code == 404
    assert Reading.of(web).since(before, *COUNTED) == SCRAPED | {
        asked("token", 200, "POST"): 2,
        asked("token", 403, "POST"): 1,
        asked("token", 401, "POST"): 1,
        asked("upload", 200, "POST"): 1,
        asked("upload", 415, "POST"): 1,
        asked("upload", 403, "POST"): 1,
        asked("vip_upload", 201, "POST"): 1,
        asked("vip_upload", 401, "POST"): 1,
        asked("vip_upload", 404, "POST"): 1,
        series("tokens_total", outcome="ok"): 2,
        series("tokens_total", outcome="id_taken"): 1,
        series("tokens_total", outcome="secret_refused"): 1,
        series("uploads_total", route="upload", outcome="ok"): 1,
        series("uploads_total", route="upload", outcome="unsupported_image"): 1,
        series("uploads_total", route="upload", outcome="token_refused"): 1,
        series("uploads_total", route="vip_upload", outcome="ok"): 1,
        series("uploads_total", route="vip_upload", outcome="secret_refused"): 1,
        series("uploads_total", route="vip_upload", outcome="bucket_missing"): 1,
        series("upload_bytes_total"): 2 * len(image) + len(text),
    }


def test_an_upload_that_was_left_is_counted_as_cancelled(
    server: servers.Running, name: str
) -> None:
    """Nobody was told of an error, and the bytes that came are counted."""
    before = Reading.of(server.client)
    token = server.client.token(name)
    connection = wire.Wire(server.port)
    connection.send(
        wire.request(
            f"/{name}",
            "POST",
            X_Token=token,
            Content_Type="image/png",
            Content_Length="5000",
        )
    )
    servers.until(lambda: server.staged)
    connection.vanish()
    left = series("uploads_total", route="upload", outcome="cancelled")
    servers.until(lambda: Reading.of(server.client)[left] - before[left])
    moved = Reading.of(server.client).since(before, "requests_total")
    assert moved[asked("upload", 499, "POST")] == 1


def test_a_dead_worker_is_counted(launch: Callable[..., servers.Running]) -> None:
    """Killed from without: one death, another start, and as many workers as before."""
    running = launch()
    before = Reading.of(running.client)
    (victim,) = running.components.workers.stats.pids
    os.kill(victim, signal.SIGKILL)
    servers.until(lambda: running.components.workers.stats.pids not in ((), (victim,)))
    after = Reading.of(running.client)
    names = [f"worker_{what}_total" for what in ("deaths", "starts", "kills", "retries")]
    assert after.since(before, *names) == {
        series("worker_deaths_total"): 1,
        series("worker_starts_total"): 1,
    }
    assert after[series("workers_alive")] == after[series("slots")] == 1


def test_a_failed_render_is_counted_by_its_error(
    launch: Callable[..., servers.Running], events: list[dict[str, object]]
) -> None:
    """An original that was damaged on disk: no duration, one failure."""
    running = launch()
    running.client.put_in("cat", pictures.jpeg())
    (original,) = running.originals
    original.chmod(0o600)
    original.write_bytes(original.read_bytes()[:300])
    before = Reading.of(running.client)
    assert running.client.get("/cat_20_0.webp").status_code == 422
    moved = Reading.of(running.client).since(
        before, "renders_total", "render_duration_seconds_count"
    )
    assert moved == {series("renders_total", format="webp", outcome="unreadable_image"): 1}


def test_states_are_those_of_the_moment(launch: Callable[..., servers.Running]) -> None:
    """Workers, memory, disk, spool, processes and what is running."""
    running = launch()
    running.client.put_in("cat", pictures.jpeg())
    data = running.client.get("/cat_20_0.jpg").content
    running.published()
    read = Reading.of(running.client)
    facts = next(dict(labels) for name, labels in read.samples if name == "liveresize_build_info")
    assert set(facts) == {"version", "engine", "python", "pillow"}
    assert all(facts.values())
    assert read[series("memory_cache_bytes")] == len(data)
    assert read[series("memory_cache_entries")] == 1
    assert read[series("published_total")] == read[series("publish_attempts_total")] == 1
    assert read[series("connections_open")] == 1
    assert read[series("connections_limit")] > 100
    for nothing in ("jobs_queued", "spool_files", "spool_bytes", "publish_backlog", "slots_busy"):
        assert read[series(nothing)] == 0
    for part in ("index", "store"):
        assert read[series("breaker_open", part=part)] == 0
    for something in (
        "disk_free_bytes",
        "disk_size_bytes",
        "process_open_fds",
        "process_resident_memory_bytes",
        "workers_resident_memory_bytes",
        "worker_largest_resident_memory_bytes",
        "workers_open_fds",
        "worker_most_open_fds",
    ):
        assert read[series(something)] > 0


def test_the_index_is_timed_by_kind(launch: Callable[..., servers.Running]) -> None:
    """An upload writes, a new rendition is looked up, a probe of health reads."""
    running = launch()
    before = Reading.of(running.client)
    running.client.put_in("cat", pictures.jpeg())
    running.client.get("/cat_20_0.jpg")
    running.client.get("/_health")
    moved = Reading.of(running.client).since(before, "index_query_duration_seconds_count")
    assert {dict(labels)["kind"] for _, labels in moved} == set(stores.KINDS)


@pytest.mark.long
@s3worlds.needs_rclone
def test_a_bucket_that_goes_and_comes_is_seen(
    launch: Callable[..., servers.Running], events: list[dict[str, object]]
) -> None:
    """Puts are timed; while it is away failures and the backlog rise, and it ages; when it is
    back the backlog is empty."""
    with s3worlds.Server("rclone") as bucket:
        s3worlds.other_client(bucket.address).create_bucket(Bucket="pictures")
        running = launch(
            aws__endpoint_url=bucket.address,
            aws__bucket="pictures",
            aws__access_key=s3worlds.ACCESS_KEY,
            aws__secret_key=s3worlds.SECRET_KEY,
        )
        web = running.client
        web.put_in("cat", pictures.jpeg())
        put = series("s3_request_duration_seconds_count", operation="put")
        before = Reading.of(web)
        web.get("/cat_20_0.jpg")
        running.published()
        assert Reading.of(web)[put] > before[put]
        bucket.kill()
        web.get("/cat_30_0.jpg")
        down = series("breaker_open", part="store")
        servers.until(lambda: Reading.of(web)[down])
        failed = series("publish_failures_total")
        servers.until(lambda: Reading.of(web)[failed])
        seen = Reading.of(web)
        assert seen[series("publish_backlog")] == seen[series("spool_files")] == 1
        assert seen[series("publish_backlog_oldest_seconds")] > 0
        assert seen[series("s3_failures_total", operation="put")] > 0
        bucket.start()
        servers.until(lambda: not Reading.of(web)[series("publish_backlog")], 60)
        servers.until(lambda: not Reading.of(web)[down], 60)
    said = [each for each in events if each["log_level"] == "error"]
    assert {each["event"] for each in said} == {"object_store_unavailable"}
    events[:] = [each for each in events if each not in said]


def test_stats_are_logged_now_and_again(
    launch: Callable[..., servers.Running],
    events: list[dict[str, object]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the fields of the published service, and not at all where they are not wanted."""
    monkeypatch.setattr(lifecycle, "_STATS_EVERY", 0.05)
    quiet = launch(log__stats=False)
    quiet.client.get("/_live")
    assert [each for each in events if each["event"] == "stats"] == []
    running = launch(data_dir=str(quiet.folder / "second"))
    running.client.put_in("cat", pictures.jpeg())
    running.client.get("/cat_20_0.jpg?proxy=true")
    running.client.get("/cat_20_0.jpg?proxy=true")

    def counted() -> dict[str, object] | None:
        lines = [each for each in events if each["event"] == "stats" and each["hits"]]
        return lines[-1] if lines else None

    line = servers.until(counted)
    assert line is not None
    expected = {"hits": 1, "misses": 1, "hit_ratio": 0.5, "uploads": 1, "generations": 1}
    assert line.items() >= expected.items()
    assert line.keys() >= {"generations_per_minute", "uptime_s"}


METHODS = ["GET"] * 8 + ["HEAD", "POST", "DELETE", "OPTIONS", "PUT", "BREW"]


def hostile(chance: random.Random) -> bytes:
    """A request that no two clients would send, in a form that Tornado still reads."""
    word = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz%0'\"{}=,", k=chance.randint(1, 20)))
    number = chance.randint(0, 10**6)
    path = chance.choice(
        [
            f"/{word}_{number}_{number}.jpg",
            f"/{word}_{number}_7.{word[:4]}",
            f"/{word}.{word[:3]}",
            f"/{word}.json?{word}={number}",
            f"/bucket{number}/{word}?s={number}",
            f"/pics/{word}{number}",
            f"/pics/{word}/warmup",
            f"/upload/{word}{number}",
            f"/_renditions/{word}/{number}",
            f"/_{word}",
            f"/{word}/{word}/{number}",
            "/token",
            "/purge",
            "/_live",
        ]
    )
    method = chance.choice([*METHODS, f"X{word[:3].strip('%0{}=,') or 'Y'}{number}".upper()])
    return wire.request(
        path,
        "".join(letter for letter in method if letter.isalnum()),
        Content_Length="0",
        Accept=f"image/{word.strip('%')}, */*",
        X_Cache=word,
        X_Request_Id=str(number),
    )


def besiege(port: int, seed: int, count: int) -> None:
    """Send that many, over as many connections as it takes."""
    chance = random.Random(seed)
    connection = wire.Wire(port)
    for _ in range(count):
        request = hostile(chance)
        try:
            connection.send(request)
            connection.reply(bodiless=request.startswith(b"HEAD"))
        except (EOFError, OSError):  # the server closes after some of its refusals
            connection.socket.close()
            connection = wire.Wire(port)
    connection.socket.close()


DECLARED = {
    "route": set(requests.ROUTES),
    "method": set(requests.METHODS),
    "status": set(requests.STATUSES),
    "cache": set(requests.CACHES),
    "outcome": {*registry.OUTCOMES, *intake.OUTCOMES},
    "format": set(renders.FORMATS),
    "operation": set(stores.OPERATIONS),
    "kind": set(stores.KINDS),
    "part": {"index", "store"},
    "folder": {"originals", "spool", "renditions"},
    "hook": set(intake.HOOKS),
    "fate": set(spans.FATES),
}


@pytest.mark.long
def test_hostile_requests_make_no_series_of_their_own(
    launch: Callable[..., servers.Running],
) -> None:
    """After 2,400 of them every label is one that was declared, and there are not many."""
    running = launch(vip__buckets=["pics"], admin__secrets=["admin"])
    before = Reading.of(running.client)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda seed: besiege(running.port, seed, 600), range(4)))
    after = Reading.of(running.client)
    counted = sum(after.since(before, "requests_total").values())
    assert counted > 2_200, "most of them were no requests at all"
    for name, labels in after.samples:
        if name == "liveresize_build_info":
            continue
        for label, value in labels:
            assert label == "le" or value in DECLARED[label], (name, label, value)
    made = {name for name, _ in after.samples.keys() - before.samples.keys()}
    assert {name.removesuffix("_bucket") for name in made} <= {
        "liveresize_requests_total",
        "liveresize_tokens_total",
        "liveresize_uploads_total",
        "liveresize_renders_total",
        "liveresize_index_query_duration_seconds",
        "liveresize_index_query_duration_seconds_sum",
        "liveresize_index_query_duration_seconds_count",
        "liveresize_disk_short",  # from the first look at the disks on
    }
    assert len(after.samples) < 1_500
