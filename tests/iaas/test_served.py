"""A real server after moving in: URLs that were known lead where they led."""

import pytest
from imaging import uploads
from web import pictures
from web.servers import Process

from iaas.published import Published
from iaas.scenes import House
from liveresize.compat.iaas.originals import Taking


@pytest.mark.parametrize("taking", [Taking.COPY, Taking.LINK])
def test_known_urls_lead_where_they_led(old: Published, any_house: House, taking: Taking) -> None:
    """Known ones by 303, new sizes are rendered, and the original is there."""
    old.original("my cat", pictures.jpeg(320, 240, exif=uploads.exif()))
    plain = old.link("my cat", 200, 200)
    crop = old.link("my cat", 50, 60, fit="crop", file_type="image/png")
    old.save()
    assert any_house.move_in(old, taking)
    with Process(any_house.folder, **any_house.keys) as server:
        for url, there in (
            ("/my%20cat_200_200.jpg", plain),
            ("/my%20cat_100_100_2x.jpeg?fit=clip", plain),
            ("/my%20cat_50_60.png?fit=crop&quality=20", crop),
        ):
            answer = server.client.get(url)
            assert (answer.status_code, answer.headers["Location"]) == (
                303,
                there.replace(" ", "%20"),
            )
        head = server.client.head("/my%20cat_200_200.jpg")
        assert head.status_code == 200
        assert "Content-Length" not in head.headers
        assert "ETag" not in head.headers
        fresh = server.client.get("/my%20cat_64_0.png")
        assert fresh.status_code == 200
        assert pictures.opened(fresh.content).size == (64, 48)
        original = server.client.get("/my%20cat.jpg")
        assert original.status_code == 200
        assert pictures.opened(original.content).size == (320, 240)
        assert uploads.SECRET not in original.content


def test_known_renditions_are_sent_where_bytes_are_asked_for(old: Published, house: House) -> None:
    """Nothing of ours lies behind such a link: it gives way to a rendition of our own."""
    old.original("cat", pictures.png())
    old.link("cat", 20, 20)
    old.save()
    assert house.move_in(old)
    with Process(house.folder, **house.keys) as server:
        sent = server.client.get("/cat_20_20.jpg?proxy=true")
        assert sent.status_code == 200
        assert pictures.opened(sent.content).size == (20, 15)


def test_a_phone_that_holds_a_token_can_still_upload(old: Published, house: House) -> None:
    """Once, for its id, as if nothing had happened."""
    old.token("a-token-of-before", "new")
    old.save()
    assert house.move_in(old)
    with Process(house.folder, **house.keys) as server:
        assert server.client.upload("other", pictures.png(), "a-token-of-before").status_code == 403
        answer = server.client.upload("new", pictures.png(), "a-token-of-before")
        assert answer.status_code == 200, answer.text
        assert server.client.get("/new.png").status_code == 200
