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


def test_a_visual_quality_is_found_and_told(tmp_path: Path) -> None:
    """It is part of the object's name, and another target makes another one; what is signed, or
    asked for by a preset, is found as well."""
    keys = {"presets": {"card": {"quality": "visual", "fit": "crop"}}}
    with Gallery(tmp_path, **keys) as gallery:
        web = gallery.client
        web.put_in("cat", pictures.jpeg(640, 480))
        asked = "/cat_200_0.webp?quality=visual"
        assert "X-Quality" not in web.head(asked).headers
        first = web.get(asked)
        used = quality(first)
        assert used is not None
        assert 40 <= int(used) <= 89
        gallery.published()
        found = web.get(asked)
        assert (found.status_code, quality(found)) == (303, used)
        assert found.headers["Location"].endswith(f"/200x0-qv960.{used}-webp~2.webp")
        assert quality(web.head(asked)) == used
        card = web.get("/cat_90_90.webp?preset=card", follow_redirects=True)
        assert (card.status_code, quality(card)) == (200, used)
        less = web.get(f"{asked}&max_bytes=1024", follow_redirects=True)
        assert int(quality(less) or 100) <= int(used)
        assert quality(web.get("/cat_200_0.png?quality=visual")) is None
        assert web.get("/cat.webp?quality=visual").headers["X-Quality"] == used
    with Gallery(tmp_path, encoder__visual_ssim=0.99) as again:
        better = again.client.get(asked)
        assert (better.status_code, better.headers["X-Cache"]) == (200, "MISS")
        assert int(quality(better) or 0) >= int(used)
