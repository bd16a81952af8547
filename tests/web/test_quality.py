"""A quality that the server chooses, in a real server: how large, and what the answers say."""

from pathlib import Path

import httpx

from . import pictures, servers
from .buckets import Gallery

PHOTO = pictures.noise(400, 300)


def quality(answer: httpx.Response) -> str | None:
    """What an answer says of the quality that was used."""
    return answer.headers.get("X-Quality")


def test_every_answer_with_max_bytes_says_its_quality(tmp_path: Path) -> None:
    """Rendered, from memory, redirected to, its object, HEAD, unchanged, and after a restart; what
    has no such limit says nothing."""
    presets = {"small": {"max_bytes": "6144"}}
    keys = {"presets": presets, "constraints__max_width": 500}
    with Gallery(tmp_path, **keys) as gallery:
        web = gallery.client
        web.put_in("cat", PHOTO)
        asked = "/cat_200_0.webp?max_bytes=6500"
        first = web.get(asked)
        used = quality(first)
        assert (first.status_code, used is not None) == (200, True)
        assert 4000 < len(first.content) <= 6144
        assert quality(web.get("/cat_200_0.webp")) is None
        assert quality(web.get("/cat_200_0.png?max_bytes=6500")) is None
        gallery.published()
        found = web.get(asked)
        assert (found.status_code, found.headers["X-Cache"], quality(found)) == (303, "HIT", used)
        for same in (
            web.get("/cat_200_0.webp?preset=small", follow_redirects=True),
            web.get(f"{asked}&proxy=true"),
            web.get(found.headers["Location"]),
            web.head(asked),
            web.head(found.headers["Location"]),
        ):
            assert (same.status_code, quality(same)) == (200, used)
            assert same.headers["ETag"] == first.headers["ETag"]
        seen = {"If-None-Match": first.headers["ETag"]}
        for unchanged in (asked, f"{asked}&proxy=true"):
            answer = web.get(unchanged, headers=seen)
            assert (answer.status_code, quality(answer)) == (304, used)
        wide = web.get("/cat_900_0.webp?max_bytes=6144")
        assert wide.headers["Location"] == "/cat_500_0.webp?max_bytes=6144"
        assert web.get("/cat_200_0.webp?max_bytes=1000").json()["code"] == "bad_parameter"
    with Gallery(tmp_path, **keys) as again:
        found = again.client.get(asked)
        assert (found.status_code, quality(found)) == (303, used)
        proxied = again.client.get(f"{asked}&proxy=true")
        assert (proxied.headers["X-Cache"], quality(proxied)) == ("HIT", used)
        assert proxied.content == first.content


def test_what_never_fits_is_sent_all_the_same(tmp_path: Path) -> None:
    """With the lowest quality, and a remark in the log."""
    with servers.Process(tmp_path) as process:
        process.client.put_in("cat", PHOTO)
        answer = process.client.get(
            "/cat_300_0.jpg?max_bytes=1024", headers={"X-Request-Id": "too-large"}
        )
        assert (answer.status_code, quality(answer), len(answer.content) > 1024) == (
            200,
            "10",
            True,
        )
        assert process.line_of("too-large")["notes"] == ["max_bytes_exceeded"]
