"""Links and tokens of Live Image Resize: what becomes of its rows."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from web import pictures
from web.servers import Process

from iaas.published import AGES, BEFORE, RENDERED, SOON, Published, every_age, published
from iaas.scenes import House
from liveresize import errors
from liveresize.app import container
from liveresize.compat.iaas import moving
from liveresize.compat.iaas.originals import Taking
from liveresize.compat.iaas.target import ENGINE
from liveresize.core import tokens
from liveresize.core.names import ImageId
from liveresize.core.ports import Selection
from liveresize.core.tokens import Claim, Grant
from liveresize.storage.index import schema
from liveresize.storage.index.sql_index import DatabaseIndex

PLAIN = "100x100-qa82-jpeg"


@every_age
def test_links_of_every_release_are_taken(tmp_path: Path, any_house: House, age: str) -> None:
    """Where it was, what it is, and when it was rendered where that is known."""
    with published(tmp_path / "iaas", age) as old:
        old.original("cat", pictures.png())
        plain = old.link("cat")
        crop = old.link("cat", 50, 60, fit="crop", file_type="image/png")
        if "quality" in AGES[age].images:
            blurred = old.link("cat", blur=True, quality=40, url="https://old.example.com/b.jpg")
        old.save()
        assert any_house.move_in(old)
    links = any_house.links()
    assert links[("cat", PLAIN)].key == plain
    assert links[("cat", PLAIN)].mime == "image/jpeg"
    assert links[("cat", "50x60-crop-png")].key == crop
    if "quality" in AGES[age].images:
        assert links[("cat", "100x100-q40-b70-jpeg")].key == blurred
    (uploaded_at,) = [row.uploaded_at for row in any_house.rows(schema.originals)]
    known = RENDERED.timestamp() if "rendered_at" in AGES[age].images else uploaded_at
    for link in links.values():
        assert (link.rendered_at, link.engine, link.size, link.etag) == (known, ENGINE, 0, "")
        assert link.used_at > uploaded_at


def test_rows_that_cannot_be_taken_are_counted_with_their_reasons(
    old: Published, any_house: House
) -> None:
    """And none of them stops the others."""
    for name in ("cat", "a b"):
        old.original(name, pictures.png())
    old.link("cat")
    old.link("a b")
    old.link("cat", fit="stretch")
    old.link("cat", file_type="image/tiff")
    old.link("cat", 0, 0)
    old.link("cat", 70, url="/relative.jpg")
    old.link("gone")
    old.link("../etc/passwd")
    old.save()
    assert not any_house.move_in(old)
    assert any_house.counts("links") == (2, 0, 6)
    assert "cat 100x100 stretch" in any_house.reason("`fit`")
    assert "image/tiff" in any_house.reason("extension")
    assert "cat 0x0" in any_house.reason("width and height")
    assert "cat" in any_house.reason("absolute")
    assert any_house.reason("original is not here").endswith("1 × Its original is not here: gone")
    assert "passwd" in any_house.reason("slash")
    assert any_house.links()[("a b", PLAIN)].key.endswith("_a%20b_100x100.clip.jpg")


def test_a_second_run_doubles_nothing_and_keeps_what_is_ours(
    old: Published, any_house: House
) -> None:
    """A link of our own, or one that was purged since, is not overwritten."""
    old.original("cat", pictures.png())
    old.link("cat")
    old.link("cat", 200)
    old.save()
    assert any_house.move_in(old)

    async def purge() -> None:
        index = await DatabaseIndex.open(container.make_database(any_house.settings))
        try:
            (old_link,) = await index.links.purge(Selection(rendered_before=2e9), 1)
            assert old_link.image == ImageId("cat")
        finally:
            await index.close()

    asyncio.run(purge())
    before = any_house.links()
    assert sum(link.purged_at is not None for link in before.values()) == 1
    old.link("cat", 300)
    old.save()
    assert any_house.move_in(old)
    assert any_house.counts("links") == (1, 2, 0)
    after = any_house.links()
    assert {key: after[key] for key in before} == before


def test_rows_of_one_rendition_make_one_link(old: Published, house: House) -> None:
    """What told them apart may mean nothing here; the first is kept."""
    old.original("cat", pictures.png())
    old.link("cat", file_type="image/png", url="https://s3.example.com/first.png")
    old.link("cat", file_type="png", url="https://s3.example.com/second.png")
    old.save()
    assert house.move_in(old)
    assert house.counts("links") == (1, 0, 1)
    assert house.reason("The same rendition twice").endswith(": cat")
    (link,) = house.links().values()
    assert link.key == "https://s3.example.com/first.png"


def test_batches_are_of_no_consequence(
    old: Published, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files and rows that fill many batches, and ids that overflow one, all come."""
    monkeypatch.setattr(moving, "_FILES", 3)
    monkeypatch.setattr(moving, "_ROWS", 4)
    for number in range(10):
        old.original(f"cat {number}", pictures.png(8, 8, shade=number))
        for x in range(1, 2 + number):
            old.link(f"cat {number}", x)
        old.token(f"token {number}", f"new {number}")
    old.save()
    assert house.move_in(old)
    assert house.counts("originals") == (10, 0, 0)
    assert house.counts("links") == (55, 0, 0)
    assert house.counts("tokens") == (10, 0, 0)
    assert {(name, link.key) for (name, _), link in house.links().items()} == {
        (row["id"], row["url"].replace(" ", "%20")) for row in old.images
    }


@pytest.mark.parametrize("taking", list(Taking))
def test_links_of_what_cannot_be_decoded_are_kept(
    tmp_path: Path, old: Published, taking: Taking
) -> None:
    """They lead where they led, its id stays taken, and no size is rendered or redirected."""
    keys = {"originals_dir": str(old.folder)} if taking is Taking.IN_PLACE else {}
    house = House(tmp_path / "new", **keys)
    tiff = old.original("scan", pictures.encoded(pictures.gradient(64, 48), "TIFF"))
    known = old.link("scan", 200, 200)
    old.original("icon", b"unknown to both")
    icon = old.link("icon")
    old.original("notes", b"no picture")
    old.save()
    for _ in range(2):
        assert not house.move_in(old, taking)
        assert house.counts("originals") == (0, 0, 3)
        assert "list tiff in formats.input" in house.reason("TIFF")
        assert "its links redirect as before" in house.reason("TIFF")
        assert "icon" in house.reason("known format (its id stays taken")
        assert house.reason("It is no image of a known format:").endswith(": notes")
        assert sum(house.counts("links")[:2]) == 2
    with Process(house.folder, **house.keys, originals__metadata="keep") as server:
        for url, there in (("/scan_200_200.jpg", known), ("/icon_100_100.jpg", icon)):
            for _ in range(2):  # from the index, then from memory
                answer = server.client.get(url)
                assert (answer.status_code, answer.headers["Location"]) == (303, there)
            assert server.client.head(url).status_code == 200
        for path in (
            "/scan",
            "/scan_300_300.jpg",
            "/scan.jpg",
            "/scan.json",
            "/scan_9000_9000.auto",
        ):
            assert server.client.get(path).status_code == 422
        assert server.client.head("/scan_300_300.jpg").status_code == 422
        assert server.client.post("/token", json={"id": "scan"}).status_code == 403
    reads = House(tmp_path / "tiff", **house_of(house), formats__input=["png", "tiff"])
    assert not reads.move_in(old, taking)
    assert reads.counts("originals") == (1, 0, 2)
    assert reads.counts("links") == (0, 2, 0)
    with Process(reads.folder, **reads.keys) as server:
        assert server.client.get("/scan_200_200.jpg").headers["Location"] == known
        answer = server.client.get("/scan_32_0.jpg")
        assert (answer.status_code, pictures.opened(answer.content).size) == (200, (32, 24))
    assert tiff.exists()


def house_of(house: House) -> dict[str, Any]:
    """The keys that make another installation use the folders of `house`."""
    return {**house.keys, "data_dir": str(house.folder / "data")}


@pytest.mark.parametrize("delivery", ["redirect", "proxy"])
def test_links_over_the_bounds_are_used(old: Published, house: House, delivery: str) -> None:
    """What is known redirects as before; what is not is sent to the nearest allowed size."""
    old.original("cat", pictures.png())
    there = old.link("cat", 1500, 1500, fit="cover")
    old.save()
    assert house.move_in(old)
    bounded = {"constraints__max_width": 1000, "constraints__max_height": 1000}
    with Process(house.folder, **house.keys, **bounded, delivery=delivery) as server:
        for _ in range(2):
            answer = server.client.get("/cat_1500_1500.jpg?fit=cover")
            if delivery == "proxy":
                assert answer.status_code == 307
            else:
                assert (answer.status_code, answer.headers["Location"]) == (303, there)
        assert server.client.get("/cat_1501_1500.jpg?fit=cover").status_code == 307
        assert server.client.head("/cat_1501_1500.jpg?fit=cover").status_code == 307


def test_links_that_take_no_room_are_not_evicted(old: Published, any_house: House) -> None:
    """There are no bytes here behind a link that was taken over: losing it gains nothing."""
    old.original("cat", pictures.png())
    old.link("cat")
    old.save()
    assert any_house.move_in(old)

    async def least_used() -> None:
        index = await DatabaseIndex.open(container.make_database(any_house.settings))
        try:
            assert await index.links.stored_bytes() == 0
            assert await index.links.least_used(10) == []
        finally:
            await index.close()

    asyncio.run(least_used())


@every_age
def test_tokens_that_can_still_be_used_are_taken(
    tmp_path: Path, any_house: House, age: str
) -> None:
    """Their text is stored nowhere, and they live as long as they would have lived."""
    with published(tmp_path / "iaas", age) as old:
        old.original("cat", pictures.png())
        old.token("live", "new")
        old.token("late", "old", valid_until=BEFORE)
        old.token("used", "cat", used=1)
        old.token("here", "cat")
        old.token("refused", "new_100_100")
        old.save()
        assert not any_house.move_in(old), "a token that cannot be used here may be missed"
        assert any_house.counts("tokens") == (1, 1, 2)
        assert not any_house.move_in(old)
        assert any_house.counts("tokens") == (0, 2, 2)
    (row,) = any_house.rows(schema.tokens)
    assert (row.name, row.digest, row.state) == ("new", tokens.digest("live"), "issued")
    assert abs(row.expires_at - SOON.timestamp()) < 1

    async def upload() -> None:
        index = await DatabaseIndex.open(container.make_database(any_house.settings))
        try:
            with pytest.raises(errors.IdTaken):
                await index.tokens.issue(Grant(image=ImageId("new"), lifetime=900))
            claim = await index.tokens.claim("live", [ImageId("new")], 60)
            assert isinstance(claim, Claim)
            assert claim.grant.max_bytes == 0
            assert not claim.grant.overwrite
        finally:
            await index.close()

    asyncio.run(upload())


def test_a_token_issued_again_takes_the_place_of_its_expired_self(
    old: Published, house: House
) -> None:
    """Between two runs a phone may have asked anew."""
    old.token("first", "new")
    old.save()
    assert house.move_in(old)
    house.asked(lambda connection: connection.execute(schema.tokens.update().values(expires_at=1)))
    old.tokens.clear()
    old.token("second", "new")
    old.save()
    assert house.move_in(old)
    assert house.counts("tokens") == (1, 0, 0)
    (row,) = house.rows(schema.tokens)
    assert row.digest == tokens.digest("second")
