"""What clients of Live Image Resize upload, and how: rows U1 to U5."""

import pytest
from web import pictures, servers

WIDTH, HEIGHT = 120, 80

CROPS = [
    ("U2", "x=10.7&y=0&width=100.9&height=60", (100, 60)),
    ("U2", "x=10.0&y=0&width=100.0&height=60.0", (100, 60)),
    ("U2", "x=-0&y=-0.4&width=100&height=60", (100, 60)),
    ("U2", "x=2.842170943040401e-14&y=0&width=1e2&height=60", (100, 60)),
    ("U2", "x=0&y=0&width=100%2E9&height=60", (100, 60)),
    ("U3", "x=0&y=0&width=121&height=80", (120, 80)),
    ("U3", "x=10&y=20&width=120&height=80", (110, 60)),
    ("U3", "x=-10&y=0&width=50&height=80", (40, 80)),
    ("U3", "x=0&y=0&width=0&height=60", (120, 60)),
    ("U3", "x=0&y=0&width=0.9&height=60", (120, 60)),
    ("U3", "x=20&y=30&width=0&height=0", (100, 50)),
    ("U3", "x=20&y=30", (100, 50)),
    ("U3", "y=30", (120, 50)),
    ("U3", "width=100&height=60", (100, 60)),
    ("U3", "x=&y=&width=100&height=60", (100, 60)),
    ("U3", "x=", (120, 80)),
    ("U3", "x=0&y=0&width=99999999999&height=1e99", (120, 80)),
]

OUTSIDE = [
    ("U3", "x=120&y=0&width=10&height=10"),
    ("U3", "x=0&y=80"),
    ("U3", "x=-10&y=0&width=10&height=10"),
    ("U3", "x=1e400&y=0&width=10&height=10"),
    ("U3", "x=0&y=0&width=-1&height=10"),
    ("U3", "x=abc&y=0&width=10&height=10"),
    ("U3", "x=0x10&y=0&width=10&height=10"),
    ("U3", "x=%D9%A3"),
]


@pytest.mark.parametrize("id_", [12345, 0, -7, 10**30])
def test_u1_a_whole_number_is_an_id(web: servers.Client, id_: int) -> None:
    """Its decimal text is the name."""
    answer = web.post("/token", json={"id": id_, "secret": servers.SECRET})
    assert (answer.status_code, answer.json()["id"]) == (200, str(id_))
    uploaded = web.upload(str(id_), pictures.png(), answer.json()["token"])
    assert (uploaded.status_code, uploaded.json()["id"]) == (200, str(id_))
    assert web.get(f"/{id_}_10_10.jpg").status_code == 200


@pytest.mark.parametrize("id_", [1.0, 1.5, True, False, 10**255, [1], {"id": 1}])
def test_u1_no_other_value_is(web: servers.Client, id_: object) -> None:
    """A fraction has no decimal text of its own, and a name has its bounds."""
    answer = web.post("/token", json={"id": id_, "secret": servers.SECRET})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_id")


@pytest.mark.parametrize(("row", "crop", "size"), CROPS)
def test_a_crop_is_cut_as_there(
    web: servers.Client, name: str, row: str, crop: str, size: tuple[int, int]
) -> None:
    """Fractions are cut off, what is over the edge is left out, and 0 is all the rest."""
    data = pictures.png(WIDTH, HEIGHT)
    answer = web.upload(name, data, web.token(name), query=f"?{crop}")
    receipt = answer.json()
    assert answer.status_code == 200, row
    assert (receipt["original_width"], receipt["original_height"]) == size, row
    if size == (WIDTH, HEIGHT):
        assert web.get(f"/{name}").content == data


@pytest.mark.parametrize(("row", "crop"), OUTSIDE)
def test_what_is_no_part_of_the_picture_is_400(
    web: servers.Client, name: str, row: str, crop: str
) -> None:
    """There is nothing to store; the id is free again."""
    answer = web.upload(name, pictures.png(WIDTH, HEIGHT), web.token(name), query=f"?{crop}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_crop"), row
    assert web.token(name)


@pytest.mark.parametrize(
    ("row", "ending"),
    [
        ("U5", ending)
        for ending in (".heic", ".HEIC", ".bmp", ".tiff", ".svg", ".xyz", ".jpg", ".v2", ".")
    ],
)
def test_an_extension_is_ignored(web: servers.Client, name: str, row: str, ending: str) -> None:
    """The token says whose picture it is, and the bytes say what it is."""
    answer = web.upload(f"{name}{ending}", pictures.png(), web.token(name))
    assert (answer.status_code, answer.json()["id"]) == (200, name), row


def test_u5_an_id_with_a_dot_is_its_own(web: servers.Client, name: str) -> None:
    """Its token is for the whole of it; one for the part before the dot is not."""
    dotted = f"{name}.v2"
    plain_token, dotted_token = web.token(name), web.token(dotted)
    assert web.upload(dotted, pictures.png(), dotted_token).json()["id"] == dotted
    assert web.upload(name, pictures.png(9, 9), plain_token).json()["id"] == name
    other = web.token(f"{name}.v3")
    assert web.upload(f"{name}.v3.heic", pictures.png(), other).json()["id"] == f"{name}.v3"
    assert web.upload(f"{name}.v3.x.y", pictures.png(), other).status_code == 403
