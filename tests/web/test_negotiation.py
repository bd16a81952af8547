"""Formats that depend on `Accept`: `.auto` and `allow_webp`, and who may keep them."""

from collections.abc import Callable

import pytest

from . import pictures, servers

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"

AUTO = [
    (CHROME, "image/avif"),
    ("image/webp,*/*", "image/webp"),
    ("image/avif;q=0.5,image/webp,*/*;q=0.1", "image/webp"),
    ("image/avif;q=0,image/webp;q=0,*/*", "image/jpeg"),
    ("image/webp;q=0.5,image/jpeg", "image/jpeg"),
    ("*/*", "image/jpeg"),
    ("text/html", "image/jpeg"),
    ("", "image/jpeg"),
    (",;q=;=,\xff/\xff;q=9", "image/jpeg"),
]


@pytest.mark.parametrize(("accept", "mime"), AUTO)
@pytest.mark.parametrize("path", ["_32_0.auto", ".auto", "_32_0.AUTO"])
def test_auto_is_the_best_that_accept_allows(
    web: servers.Client, name: str, path: str, accept: str, mime: str
) -> None:
    """q-values count, wildcards do not bring AVIF or WebP."""
    web.put_in(name, pictures.jpeg())
    answer = web.get(
        f"/{name}{path}", headers=[(b"Accept", accept.encode("latin-1"))], follow_redirects=True
    )
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == mime
    assert f"image/{str(pictures.opened(answer.content).format).lower()}" == mime


def test_auto_keeps_transparency_and_movement(web: servers.Client, name: str) -> None:
    """Without AVIF and WebP, transparency makes a PNG; an animation is WebP."""
    web.put_in(f"{name}-clear", pictures.transparent())
    web.put_in(f"{name}-moving", pictures.animation())
    clear = web.get(f"/{name}-clear_32_0.auto", headers={"Accept": "*/*"})
    assert clear.headers["Content-Type"] == "image/png"
    assert pictures.opened(clear.content).mode in ("RGBA", "P", "LA")
    moving = web.get(f"/{name}-moving_32_0.auto", headers={"Accept": CHROME})
    assert moving.headers["Content-Type"] == "image/webp"
    assert getattr(pictures.opened(moving.content), "n_frames", 1) == 3


@pytest.mark.parametrize(
    "path", ["_32_0.auto", "_33_0.jpg?allow_webp=true", ".png?allow_webp=true"]
)
def test_what_accept_decides_varies_and_is_private(
    server: servers.Running, name: str, path: str
) -> None:
    """Fresh, by redirect and as 304: shared caches in front may not mix them up."""
    web = server.client
    web.put_in(name, pictures.jpeg())
    first = web.get(f"/{name}{path}")
    server.published()
    second = web.get(f"/{name}{path}")
    third = web.get(f"/{name}{path}", headers={"If-None-Match": first.headers["ETag"]})
    head = web.head(f"/{name}{path}")
    assert (first.status_code, second.status_code, third.status_code) == (200, 303, 304)
    for answer in (first, second, third, head):
        assert answer.headers["Vary"] == "Accept"
        assert answer.headers["Cache-Control"].startswith("private, max-age=")


def test_a_slow_format_comes_after_a_quicker_one(server: servers.Running, name: str) -> None:
    """The first answer is JPEG for a minute, and says what follows; then AVIF is there."""
    web = server.client
    web.put_in(name, pictures.jpeg(640, 480))
    first = web.get(f"/{name}_500_0.auto", headers={"Accept": CHROME})
    assert first.status_code == 200
    assert first.headers["Content-Type"] == "image/jpeg"
    assert first.headers["X-Pending-Format"] == "avif"
    assert first.headers["Cache-Control"] == "private, max-age=60"
    assert first.headers["Vary"] == "Accept"
    chrome = {"Accept": CHROME}
    servers.until(
        lambda: "X-Pending-Format" not in web.get(f"/{name}_500_0.auto", headers=chrome).headers
    )
    server.published()
    second = web.get(f"/{name}_500_0.auto", headers=chrome)
    assert second.status_code == 303
    assert second.headers["Location"].endswith("-auto.aw~2.avif")
    assert second.headers["Cache-Control"] == "private, max-age=604800"
    plain = web.get(f"/{name}_500_0.auto", headers={"Accept": "*/*"})
    assert plain.headers["Location"].endswith("-auto.n~2.jpg")
    assert "X-Pending-Format" not in plain.headers


def test_a_minute_ends_with_what_was_configured_or_signed(
    launch: Callable[..., servers.Running],
) -> None:
    """Whichever is less: of a redirect to the quicker one as well."""
    running = launch(render_cache_timeout=20, redirect_cache_timeout=30)
    web = running.client
    web.put_in("cat", pictures.jpeg(640, 480))
    assert web.get("/cat_500_0.webp").status_code == 200
    first = web.get("/cat_500_0.auto", headers={"Accept": CHROME})
    assert first.headers["X-Pending-Format"] == "avif"
    assert first.headers["Cache-Control"] == "private, max-age=20"


def test_a_redirect_into_the_bounds_varies_as_well(web: servers.Client, name: str) -> None:
    """The nearest that may be made can depend on the format."""
    web.put_in(name, pictures.jpeg())
    answer = web.get(f"/{name}_3000_0.auto")
    assert answer.status_code == 307
    assert answer.headers["Location"] == f"/{name}_2000_0.auto"
    assert answer.headers["Vary"] == "Accept"


def test_behind_a_cache_that_varies_answers_are_public(
    launch: Callable[..., servers.Running],
) -> None:
    """`cdn.varies_on_accept` says so; `Vary` stays."""
    running = launch(cdn__varies_on_accept=True)
    running.client.put_in("cat", pictures.jpeg())
    answer = running.client.get("/cat_32_0.auto")
    assert answer.headers["Cache-Control"] == "public, max-age=86400"
    assert answer.headers["Vary"] == "Accept"


@pytest.mark.parametrize(
    ("extension", "accept", "mime"),
    [
        ("jpg", CHROME, "image/webp"),
        ("png", CHROME, "image/webp"),
        ("gif", CHROME, "image/webp"),
        ("avif", CHROME, "image/avif"),
        ("webp", "*/*", "image/webp"),
        ("jpg", "*/*", "image/jpeg"),
        ("jpg", "image/webp;q=0", "image/jpeg"),
    ],
)
def test_allow_webp_gives_webp_to_who_offers_it(
    web: servers.Client, name: str, extension: str, accept: str, mime: str
) -> None:
    """In the place of JPEG, PNG and GIF alone."""
    web.put_in(name, pictures.jpeg())
    answer = web.get(f"/{name}_32_0.{extension}?allow_webp=true", headers={"Accept": accept})
    assert answer.headers["Content-Type"] == mime
    plain = web.get(f"/{name}_32_0.{extension}?allow_webp=false", headers={"Accept": accept})
    assert "Vary" not in plain.headers


def test_allow_webp_is_up_to_the_operator(launch: Callable[..., servers.Running]) -> None:
    """Without `webp.allow_opt_in` it changes nothing, and nothing varies."""
    running = launch(webp__allow_opt_in=False)
    running.client.put_in("cat", pictures.jpeg())
    answer = running.client.get("/cat_32_0.jpg?allow_webp=true", headers={"Accept": CHROME})
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert "Vary" not in answer.headers


def test_webp_may_be_given_unasked(launch: Callable[..., servers.Running]) -> None:
    """With `webp.allow_dynamic_switch`, renditions turn to WebP, originals do not."""
    running = launch(webp__allow_dynamic_switch=True)
    original = pictures.jpeg()
    running.client.put_in("cat", original)
    answer = running.client.get("/cat_32_0.jpg", headers={"Accept": CHROME})
    assert answer.headers["Content-Type"] == "image/webp"
    assert running.client.get("/cat.jpg", headers={"Accept": CHROME}).content == original
