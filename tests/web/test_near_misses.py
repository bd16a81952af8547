"""URLs that are nearly those of a picture: the error says which it may be."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.http import near_misses
from liveresize.http.near_misses import NearMisses

from . import pictures, servers

NEAR = [
    ("_400.jpg", 404, "_400_0.jpg"),
    ("_400x300.jpg", 404, "_400_300.jpg"),
    ("-400x300.JPG", 404, "_400_300.jpg"),
    ("_400_300", 404, "_400_300.jpg"),
    ("_400_300@2x.jpg", 404, "_400_300_2x.jpg"),
    ("@2x.jpg", 404, ".jpg"),
    ("_400_300.jpg&fit=crop", 404, "_400_300.jpg"),
    ("_-1_300.jpg", 404, "_0_300.jpg"),
    ("_400w.jpg", 404, "_400_0.jpg"),
    ("_400_300.jpg.webp", 404, "_400_300.webp"),
    (".jpg_400_300.jpg", 404, "_400_300.jpg"),
    ("_400_300.jpeg2", 400, "_400_300.jpeg"),
    ("_0_0.png", 400, ".png"),
    ("/400x300.jpg", 404, "_400_300.jpg"),
    (".bmp", 400, ".jpg"),
    (".jpg.json", 404, ".json"),
]
"""What follows the name, the status, and what is suggested to follow it."""


def test_a_picture_that_is_nearly_asked_for_is_suggested(
    launch: Callable[..., servers.Running], name: str
) -> None:
    """If it is there; the status stays that of the mistake, and HEAD has the same."""
    web = launch(admin__secrets=[servers.ADMIN]).client
    missing = {path: web.get(f"/{name}{path}") for path, _, _ in NEAR}
    web.put_in(name, pictures.png())
    for path, status, meant in NEAR:
        assert "did_you_mean" not in missing[path].json(), path
        answer = web.get(f"/{name}{path}")
        told = answer.json()
        assert (path, answer.status_code) == (path, status)
        assert (path, told.get("did_you_mean")) == (path, f"/{name}{meant}")
        assert told["error"].endswith(f" Did you mean `/{name}{meant}`?")
        assert web.get(told["did_you_mean"]).status_code in (200, 303)
        assert web.head(f"/{name}{path}").status_code == status
    web.delete(f"/{name}", headers={"Authorization": f"Bearer {servers.ADMIN}"})
    assert "did_you_mean" not in web.get(f"/{name}_400.jpg").json()


@pytest.mark.parametrize(
    "settings",
    [
        {"originals__public": False},
        {"signing__keys": ["a key of sixteen and more"], "signing__required": True},
        {"constraints__allowed_sizes": ["100x100"]},
        {"constraints__presets_only": True, "presets": {"a": {"fit": "crop"}}},
    ],
)
def test_what_may_not_be_seen_is_not_suggested(
    launch: Callable[..., servers.Running], settings: dict[str, object]
) -> None:
    """Nor that it is there."""
    web = launch(**settings).client
    answers: list[Any] = []
    for _ in range(2):
        answers.append([web.get(f"/cat{each}").json() for each in ("_400x300.jpg", "_40_0.jpeg2")])
        for each in answers[-1]:
            del each["request_id"]
        if len(answers) == 1:
            web.put_in("cat", pictures.png())
    assert answers[0] == answers[1]


class Asked:
    """Pictures and a parser that count; nothing is there, and everything is allowed."""

    makes_jxl = False

    def __init__(self) -> None:
        self.names: list[str] = []
        self.time = 0.0

    async def is_shown(self, image: ImageId) -> bool:
        """Nobody may see it."""
        self.names.append(image.name)
        return False

    def is_open(self, target: str) -> bool:
        """Every URL is allowed."""
        return True


def test_wrong_urls_ask_little_and_seldom() -> None:
    """At most twice each, and only some of one client; those without a key count as one."""
    asked = Asked()
    near = NearMisses(cast("Any", asked), cast("Any", asked), lambda: asked.time)
    missing = errors.OriginalMissing()

    def wrong(target: str, client: str, *names: str) -> list[str]:
        asked.names.clear()
        assert asyncio.run(near.explained(missing, target, client, names)) is missing
        return list(asked.names)

    assert wrong("/a-2024-300.bmp", "here") == ["a-2024-300", "a"]
    assert wrong("/a-2024-300.bmp", "here", "a-2024-300") == ["a", "a-2024"]
    assert wrong("/cat.jpg", "here") == wrong("/pics/b_9x9.jpg", "here", "b_9x9.jpg") == []
    assert wrong("/pics/b_9x9.jpg", "here") == ["b_9x9", "b"]
    for client in ("here", ""):
        made = [bool(wrong("/cat_400.jpg", client)) for _ in range(110)]
        assert near_misses._RATE.burst - 3 <= made.index(False) <= near_misses._RATE.burst
        assert not any(made[made.index(False) :])
    assert wrong("/cat_400.jpg", "there") == ["cat"]
    asked.time += 1
    assert wrong("/cat_400.jpg", "here") == ["cat"]
