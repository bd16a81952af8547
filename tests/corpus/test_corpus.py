"""Every file of the corpus through a real server, against the table of expectations."""

import hashlib
import re
from dataclasses import replace

import httpx
import pytest

from liveresize.core import geometry, urls
from liveresize.core.operation import UrlRules

from . import table, visits
from .table import Expected
from .visits import House

pytestmark = [table.needs_corpus, pytest.mark.long]


def rendered(house: House, expected: Expected, suffix: str) -> tuple[str, bool]:
    """The status of one rendition, and whether it moves; what is answered is right.

    A box that is out of bounds is answered with the way to one that is not, which is
    followed.
    """
    target = visits.address(expected.name, suffix)
    first = answer = house.get(target)
    if first.status_code == 307:
        target = first.headers["Location"]
        answer = house.get(target)
    if answer.status_code != 200:
        return str(first.status_code), False
    request = urls.parse(target, "", UrlRules())
    assert isinstance(request, urls.RenditionRequest)
    picture = visits.opened(answer.content)
    assert picture.size == geometry.output_size(expected.size, request.rendition), target
    assert answer.headers["Content-Type"] == request.rendition.format.mime  # type: ignore[union-attr]
    assert visits.tells(answer.content) == [], target
    return str(first.status_code), getattr(picture, "is_animated", False)


def looked_at(house: House, expected: Expected, receipt: httpx.Response) -> Expected:
    """What the server makes of a stored file."""
    facts = house.get(visits.address(expected.name, ".json")).json()
    answers = {
        column: rendered(house, expected, suffix) for column, suffix in table.RENDITIONS.items()
    }
    original = house.get(visits.address(expected.name))
    if facts["format"] == "heif":  # which goes out as a rendition, perhaps in bounds
        if original.status_code == 307:
            original = house.get(original.headers["Location"])
        shown = "png" if facts["has_alpha"] else "jpeg"
        assert (original.status_code, visits.tells(original.content)) == (200, [])
        assert original.headers["Content-Type"] == f"image/{shown}"
    else:
        assert original.status_code == 200
        assert original.headers["Content-Type"] == f"image/{facts['format']}"
        assert hashlib.sha256(original.content).hexdigest() == receipt.json()["sha256"]
    return replace(
        expected,
        upload="200",
        code="",
        width=str(facts["width"]),
        height=str(facts["height"]),
        format=facts["format"],
        frames=str(facts["frames"]),
        alpha="yes" if facts["has_alpha"] else "",
        moves=" ".join(column for column, (_, moves) in answers.items() if moves),
        **{column: status for column, (status, _) in answers.items()},
    )


def refused(house: House, expected: Expected, answer: httpx.Response) -> Expected:
    """What the server says of a file it does not take; nothing of it is kept."""
    name = expected.name
    assert answer.headers["Cache-Control"] == "no-store"
    assert house.kept_of(name) == []
    assert house.staged == []
    assert house.rows("SELECT * FROM originals WHERE name = ?", name) == []
    for suffix in ("_200_0.jpg", "", ".json"):
        assert house.get(visits.address(name, suffix)).status_code == 404
    assert house.token(name).status_code == 200
    return Expected(
        path=expected.path,
        upload=str(answer.status_code),
        code=answer.json()["code"],
        why=expected.why,
    )


@pytest.mark.parametrize("expected", table.EXPECTED, ids=lambda expected: expected.path)
def test_a_file_is_answered_as_the_table_says(house: House, expected: Expected) -> None:
    """Upload as a form and raw, renditions in five formats, facts and original: all as foretold."""
    path = table.CORPUS / expected.path
    answer = house.upload(expected.name, path, form=True)
    raw = house.upload(f"{expected.name}-raw", path, form=False)
    assert raw.status_code == answer.status_code
    if answer.status_code == 200:
        assert raw.json()["sha256"] == answer.json()["sha256"]
        assert looked_at(house, expected, answer) == expected
    else:
        assert raw.json()["code"] == answer.json()["code"]
        assert refused(house, expected, answer) == expected


def test_the_table_has_every_file() -> None:
    """One line for each file of the manifest, in its order."""
    manifest = [line["path"] for line in table.lines(table.MANIFEST)]
    assert [each.path for each in table.EXPECTED] == manifest


def test_the_table_follows_the_manifest() -> None:
    """Sizes, frames and refusals are those of the manifest, or the table says why not."""
    departures = {
        line["path"]
        for line, ours in zip(table.lines(table.MANIFEST), table.EXPECTED, strict=True)
        if not agrees(line, ours)
    }
    assert departures == {each.path for each in table.EXPECTED if each.why}


def agrees(line: dict[str, str], ours: Expected) -> bool:
    """Whether the table says of a file what the manifest advises."""
    if line["verdict"] not in ("valid", "seed"):
        advised = re.findall(r"\b4(?:13|15|22)\b", line["expectation"])
        return not ours.stored and (not advised or ours.upload in advised)
    facts = (line["upright_w"], line["upright_h"], line["frames"])
    return ours.stored and (ours.width, ours.height, ours.frames) == facts
