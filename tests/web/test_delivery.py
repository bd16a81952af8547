"""From the first answer to the redirect: memory, store, bounds, and where it leads."""

import threading
from collections.abc import Callable
from urllib.parse import quote

import pytest

from . import pictures, servers, wire


def test_a_rendition_goes_from_miss_over_memory_to_the_store(
    server: servers.Running, name: str
) -> None:
    """While it is being stored, memory answers; a redirect never leads to nothing."""
    web, store = server.client, server.components.store
    web.put_in(name, pictures.jpeg())
    publish, gate = store.publish, threading.Event()

    async def held_up(*given: object) -> None:
        await server.waiting(gate)
        await publish(*given)  # type: ignore[arg-type]

    with servers.replaced(store, "publish", held_up):
        first, second = web.get(f"/{name}_20_0.jpg"), web.get(f"/{name}_20_0.jpg")
        gate.set()
        server.published()
    third = web.get(f"/{name}_20_0.jpg")
    seen = [(each.status_code, each.headers["X-Cache"]) for each in (first, second, third)]
    assert seen == [(200, "MISS"), (200, "HIT-MEMORY"), (303, "HIT")]
    assert second.content == first.content
    assert second.headers["ETag"] == first.headers["ETag"]
    assert second.headers["Cache-Control"] == "public, max-age=86400"
    stored = web.get(third.headers["Location"])
    assert (stored.status_code, stored.content) == (200, first.content)


def test_a_redirect_is_a_303_that_may_be_kept(server: servers.Running, name: str) -> None:
    """Relative whatever Host says, tagged, for any origin, never permanent."""
    server.client.put_in(name, pictures.jpeg())
    server.client.get(f"/{name}_20_0.jpg")
    server.published()
    answer = wire.ask(
        server.port, f"/{name}_20_0.jpg", X_Forwarded_Host="evil.test", X_Forwarded_Proto="https"
    )
    assert answer.status == 303
    assert answer.headers["location"].startswith(f"/_renditions/{name}/")
    assert answer.headers["cache-control"] == "public, max-age=604800"
    assert answer.headers["cache-tag"] == answer.headers["surrogate-key"] == name
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-length"] == "0"
    assert "expires" in answer.headers


def test_stored_renditions_are_immutable(server: servers.Running, name: str) -> None:
    """From memory and from disk alike; HEAD and ranges work there too."""
    web = server.client
    web.put_in(name, pictures.jpeg())
    made = web.get(f"/{name}_20_0.jpg")
    server.published()
    place = web.get(f"/{name}_20_0.jpg").headers["Location"]
    for cache in ("HIT-MEMORY", "HIT"):
        if cache == "HIT":
            server.let_go()
        answer = web.get(place)
        assert (answer.status_code, answer.headers["X-Cache"]) == (200, cache)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["ETag"] == made.headers["ETag"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    head = web.head(place)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(made.content)
    assert web.get(place, headers={"Range": "bytes=1-2"}).content == made.content[1:3]


@pytest.mark.parametrize(
    "key",
    [
        "",
        "x",
        "{name}/0/20x0-qa82-jpeg.jpg",
        "{name}/{generation}/20x0.jpg",
        "{name}/{generation}/20x0-qa82-jpeg.exe",
        "{name}/{other}/20x0-qa82-jpeg.jpg",
        "nobody/{generation}/20x0-qa82-jpeg.jpg",
        "../{generation}/20x0-qa82-jpeg.jpg",
        "{name}%00/{generation}/20x0-qa82-jpeg.jpg",
        "%ff/{generation}/20x0-qa82-jpeg.jpg",
        "{long}/{generation}/20x0-qa82-jpeg.jpg",
        "..%2f..%2fliveresize.sqlite",
        "a/b/{name}/{generation}/20x0-qa82-jpeg.jpg",
    ],
)
def test_keys_that_nobody_was_sent_to_are_404(server: servers.Running, name: str, key: str) -> None:
    """Other generations, made-up variants, ways out of the folder."""
    server.client.put_in(name, pictures.jpeg())
    generation = server.originals[-1].name.rpartition("~")[2]
    target = key.format(name=name, generation=generation, other=generation[::-1], long="a" * 300)
    answer = wire.ask(server.port, f"/_renditions/{target}")
    assert answer.status == 404


def test_a_rendition_that_had_to_make_room_is_made_again(
    server: servers.Running, name: str
) -> None:
    """A browser that still holds the redirect does not notice."""
    web = server.client
    web.put_in(name, pictures.jpeg())
    made = web.get(f"/{name}_20_0.jpg")
    server.published()
    place = web.get(f"/{name}_20_0.jpg").headers["Location"]
    for path in (server.data / "renditions").rglob("20x0-*"):
        path.unlink()
    server.let_go()
    again = web.get(place)
    assert (again.status_code, again.content) == (200, made.content)


def test_proxy_sends_the_bytes_instead_of_a_redirect(server: servers.Running, name: str) -> None:
    """From the store too, when memory has let them go."""
    web = server.client
    web.put_in(name, pictures.jpeg())
    path = f"/{name}_20_0.jpg?proxy=true"
    first = web.get(path)
    server.published()
    second = web.get(path)
    server.let_go()
    third = web.get(path)
    assert [each.status_code for each in (first, second, third)] == [200] * 3
    assert [each.headers["X-Cache"] for each in (first, second, third)] == [
        "MISS",
        "HIT-MEMORY",
        "HIT",
    ]
    assert first.content == second.content == third.content
    assert third.headers["Cache-Control"] == "public, max-age=86400"


def test_delivery_by_proxy_never_redirects(launch: Callable[..., servers.Running]) -> None:
    """`delivery: proxy` sends bytes whatever the URL says."""
    running = launch(delivery="proxy")
    running.client.put_in("cat", pictures.jpeg())
    for cache in ("MISS", "HIT-MEMORY"):
        answer = running.client.get("/cat_20_0.jpg")
        assert (answer.status_code, answer.headers["X-Cache"]) == (200, cache)
        running.published()
    running.let_go()
    assert running.client.get("/cat_20_0.jpg").headers["X-Cache"] == "HIT"


def test_caching_times_are_those_of_the_settings(launch: Callable[..., servers.Running]) -> None:
    """One for redirects, one for bytes."""
    running = launch(redirect_cache_timeout=60, render_cache_timeout=30)
    running.client.put_in("cat", pictures.jpeg())
    assert "max-age=30" in running.client.get("/cat_20_0.jpg").headers["Cache-Control"]
    running.published()
    assert "max-age=60" in running.client.get("/cat_20_0.jpg").headers["Cache-Control"]


OUTSIDE = [
    ("_5000_0.jpg", "", "_2000_0.jpg"),
    ("_5000_0.jpg", "?fit=crop", "_2000_0.jpg?fit=crop"),
    ("_5000_5000.jpg", "?fit=crop", "_2000_2000.jpg?fit=crop"),
    ("_4000_1000.jpg", "?fit=crop", "_2000_500.jpg?fit=crop"),
    ("_100_0_20x.jpg", "?fit=crop&utm=1", ""),
    ("_101_0_20x.jpg", "?quality=30&blur=2", "_2000_0.jpg?quality=30&blur=2"),
    ("_2100_10.JPG", "?preset=card&fit=cover", "_2000_10.JPG?preset=card&fit=cover"),
    ("_999999999_999999999_20x.jpg", "?fit=crop", "_2000_2000.jpg?fit=crop"),
]


@pytest.mark.parametrize(("path", "query", "leads_to"), OUTSIDE)
def test_outside_the_bounds_is_a_307_to_the_nearest_that_may_be(
    web: servers.Client, name: str, path: str, query: str, leads_to: str
) -> None:
    """Relative, known parameters kept, and said why."""
    web.put_in(name, pictures.jpeg(64, 64))
    answer = web.get(f"/{name}{path}{query}")
    if not leads_to:
        assert answer.status_code == 200
        return
    assert answer.status_code == 307
    assert answer.headers["Location"] == f"/{name}{leads_to}"
    assert "2000x2000" in answer.headers["X-Redirect-Info"]
    assert "X-Redirect-Info" in answer.headers["Access-Control-Expose-Headers"]
    assert "max-age" in answer.headers["Cache-Control"]
    assert answer.headers["Cache-Tag"] == answer.headers["Surrogate-Key"] == name


@pytest.mark.parametrize("path", ["_0_2000.jpg", "_2000_2000.jpg?fit=cover", "_0_5000.webp"])
def test_a_strip_leads_to_an_end_in_one_step(web: servers.Client, name: str, path: str) -> None:
    """940×2 pixels at full height would be 940,000 wide: 307 once, then a picture."""
    web.put_in(name, pictures.png(940, 2))
    answer = web.get(f"/{name}{path}")
    assert answer.status_code == 307
    answer = web.get(answer.headers["Location"])
    assert answer.status_code == 200
    assert max(pictures.opened(answer.content).size) <= 2000


def test_names_are_escaped_in_redirects(server: servers.Running) -> None:
    """Whatever stands in a name, a redirect leads back to it and nowhere else."""
    web, name = server.client, "é 😀?#%&=;,+'\"<>"
    segment = quote(name, safe="")
    token = web.token(name)
    assert web.upload(segment, pictures.jpeg(), token).status_code == 200
    outside = web.get(f"/{segment}_3000_0.jpg")
    assert outside.headers["Location"] == f"/{segment}_2000_0.jpg"
    made = web.get(f"/{segment}_20_0.jpg")
    assert made.headers["Cache-Tag"] == segment
    server.published()
    found = web.get(f"/{segment}_20_0.jpg")
    assert found.headers["Location"].isascii()
    assert web.get(found.headers["Location"]).content == made.content
