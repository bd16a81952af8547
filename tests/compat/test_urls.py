"""URLs as clients of Live Image Resize spell them: rows U4, U6, U7, U10 and U28."""

import io
from collections.abc import Iterator

import pytest
from PIL import Image
from web import pictures, servers

from liveresize.core import signing

KEY = "0123456789abcdef0123456789abcdef"

SAME = [
    ("U4", "_33_33_1.5x.jpg", "_50_50.jpg"),
    ("U4", "_33_33_1.50x.jpg", "_50_50.jpg"),
    ("U4", "_20_0_2X.jpg", "_40_0.jpg"),
    ("U4", "_20_0_1.5X.PNG", "_30_0.png"),
    ("U4", "_40_0_0.75x.jpg", "_30_0.jpg"),
    ("U6", "_30_20.jpg?fit=CROP", "_30_20.jpg?fit=crop"),
    ("U6", "_30_20.png?fit=Canvas", "_30_20.png?fit=canvas"),
    *(
        ("U6", f"_30_20.jpg?{name}=", "_30_20.jpg")
        for name in ("fit", "quality", "blur", "proxy", "allow_webp", "gravity", "bg", "animate")
    ),
    ("U6", "_30_20.jpg?quality=&fit=crop&blur", "_30_20.jpg?fit=crop"),
]

JUNK = [
    *(("U6", f"quality={value}") for value in ("abc", "50.5", "-5", "auto%20", "1e2")),
    *(("U6", f"blur={value}") for value in ("TRUE", "0", "yes", "-1")),
    *(("U6", f"allow_webp={value}") for value in ("1", "TRUE")),
    *(("U6", f"proxy={value}") for value in ("1", "yes")),
    ("U6", "fit=stretch"),
    *(("U28", junk) for junk in ("bg=red", "rotate=5", "enlarge=no", "flip=1", "animate=1")),
    *(("U28", junk) for junk in ("sharpen=true", "gravity=face", "grey=1")),
]

REFUSED = [
    ("preset=nosuch", "bad_parameter"),
    ("quality=%zz", "malformed_url"),
    ("fit=%ff", "malformed_url"),
]


@pytest.fixture(scope="module")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server that Live Image Resize has been moved to."""
    with servers.Running(
        tmp_path_factory.mktemp("lenient"),
        secret=servers.SECRET,
        compat__lenient=True,
        signing__keys=[KEY],
        presets={"card": {"fit": "crop"}},
        constraints__max_width=100,
        constraints__max_height=100,
    ) as running:
        running.client.put_in("pic", pictures.png(120, 80))
        yield running


@pytest.fixture(scope="module")
def picture(server: servers.Running) -> str:
    """The path of a picture of 120x80."""
    server.client.put_in("same", pictures.png(120, 80))
    return "/same"


@pytest.mark.parametrize(("row", "spelled", "plain"), SAME)
def test_a_spelling_is_the_same_rendition(
    server: servers.Running, picture: str, row: str, spelled: str, plain: str
) -> None:
    """The same bytes, which are rendered once: both have one variant."""
    asked = server.client.get(picture + plain, follow_redirects=True)
    rendered = server.renders
    answer = server.client.get(picture + spelled, follow_redirects=True)
    assert (answer.status_code, answer.headers["ETag"]) == (200, asked.headers["ETag"]), row
    assert server.renders == rendered, row


def test_u4_the_size_is_that_of_there(web: servers.Client, picture: str) -> None:
    """Half a pixel is rounded up: 49.5 is 50, as ImageMagick has it."""
    answer = web.get(f"{picture}_33_33_1.5x.jpg", follow_redirects=True)
    assert Image.open(io.BytesIO(answer.content)).size == (50, 33)


@pytest.mark.parametrize("ending", ["_33_33_1.5x", "_33_33_2X"])
def test_u4_where_there_is_no_shorter_name_the_whole_one_counts(
    server: servers.Running, name: str, ending: str
) -> None:
    """Its own picture may have been stored before such an ending meant a size."""
    data = pictures.png(60, 40)
    folder = server.data / "originals"
    (folder / f"{name}{ending}").write_bytes(data)  # as the published service keeps it
    web = server.client
    answer = web.get(f"/{name}{ending}.png")
    assert (answer.status_code, answer.content) == (200, data)
    assert web.head(f"/{name}{ending}.png").headers["Content-Length"] == str(len(data))
    assert web.get(f"/{name}{ending}_30_0.png").status_code == 200
    web.put_in(name, pictures.png(120, 80))
    sized = web.get(f"/{name}{ending}.png", follow_redirects=True)
    assert Image.open(io.BytesIO(sized.content)).width in (50, 66)


def test_u4_the_whole_name_is_as_private_as_any_original(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A size that is not listed does not hide it, and what is not public needs a signature."""
    with servers.Running(
        tmp_path_factory.mktemp("listed"),
        originals__public=False,
        signing__keys=[KEY],
        constraints__allowed_sizes=["20x20"],
    ) as running:
        data, web = pictures.png(60, 40), running.client
        (running.data / "originals" / "pic_33_33_1.5x").write_bytes(data)
        assert web.get("/pic_33_33_1.5x.png").status_code == 404
        assert web.get(signing.sign("/pic_33_33_1.5x.png", KEY)).content == data
        web.put_in("pic", data)
        assert web.get("/pic_33_33_1.5x.png").status_code == 404
        sized = web.get(signing.sign("/pic_33_33_1.5x.png", KEY))
        assert Image.open(io.BytesIO(sized.content)).width == 50
        assert web.get("/pic_10_10_2X.png").status_code == 200


def test_u4_a_listed_whole_name_is_public(tmp_path_factory: pytest.TempPathFactory) -> None:
    """As it was before its ending meant a size."""
    with servers.Running(
        tmp_path_factory.mktemp("listed"), constraints__allowed_sizes=["20x20"]
    ) as running:
        data = pictures.png(60, 40)
        (running.data / "originals" / "pic_33_33_1.5x").write_bytes(data)
        assert running.client.get("/pic_33_33_1.5x.png").content == data


def test_u4_nothing_of_either_name_is_404(web: servers.Client, name: str) -> None:
    """And no more than that."""
    for answer in (web.get(f"/{name}_3_3_1.5x.jpg"), web.head(f"/{name}_3_3_1.5x.jpg")):
        assert answer.status_code == 404


@pytest.mark.parametrize(("row", "junk"), JUNK)
def test_what_means_nothing_is_400_by_default(
    web: servers.Client, picture: str, row: str, junk: str
) -> None:
    """A client's mistake is told to it."""
    answer = web.get(f"{picture}_30_20.jpg?{junk}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter"), row


@pytest.mark.parametrize(("row", "junk"), JUNK)
@pytest.mark.parametrize("path", ["/pic_30_20.jpg", "/pic.png", "/pic"])
def test_what_means_nothing_is_ignored_with_leniency(
    lenient: servers.Running, row: str, junk: str, path: str
) -> None:
    """The rendition is that of its absence."""
    plain = lenient.client.get(path, follow_redirects=True)
    rendered = lenient.renders
    answer = lenient.client.get(f"{path}?{junk}", follow_redirects=True)
    assert (answer.status_code, answer.headers["ETag"]) == (200, plain.headers["ETag"]), row
    assert lenient.renders == rendered, row


@pytest.mark.parametrize(("query", "code"), REFUSED)
def test_leniency_has_its_limits(lenient: servers.Running, query: str, code: str) -> None:
    """Bad permissions and bad escapes are refused as before."""
    answer = lenient.client.get(f"/pic_30_20.jpg?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_what_is_ignored_is_signed_and_not_redirected_with(lenient: servers.Running) -> None:
    """The text is signed as it was sent; the target of a 307 has what counts."""
    web = lenient.client
    target = signing.sign("/pic_30_20.jpg?quality=abc&fit=CROP", KEY)
    assert web.get(target).status_code == 200
    assert web.get(target.replace("quality=abc", "quality=abd")).status_code == 403
    assert web.get(target.replace("fit=CROP", "fit=crop")).status_code == 403
    answer = web.get("/pic_300_200.jpg?fit=Crop&quality=abc&proxy=1&blur=&sharpen=2")
    assert answer.status_code == 307
    assert answer.headers["Location"] == "/pic_100_67.jpg?fit=crop&sharpen=2"
    answer = web.get(signing.sign("/pic_300_200.jpg?fit=Crop&quality=abc", KEY))
    assert web.get(answer.headers["Location"]).status_code == 200
    assert "abc" not in answer.headers["Location"]


@pytest.mark.parametrize("exp", ["", "soon"])
def test_no_end_of_a_signature_is_ignored(lenient: servers.Running, exp: str) -> None:
    """Or it would have none."""
    target = signing.sign(f"/pic_30_20.jpg?exp={exp}", KEY)
    assert lenient.client.get(target).status_code == 403


def test_what_is_ignored_counts_for_presets_only(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Beside a preset nothing may be asked for, whatever it means."""
    with servers.Running(
        tmp_path_factory.mktemp("presets"),
        compat__lenient=True,
        constraints__presets_only=True,
        presets={"card": {"fit": "crop"}},
    ) as running:
        running.client.put_in("pic", pictures.png(120, 80))
        for query, status in (("", 200), ("&quality=abc", 403), ("&quality=", 200)):
            answer = running.client.get(f"/pic_30_20.jpg?preset=card{query}", follow_redirects=True)
            assert answer.status_code == status, query
        assert running.client.get("/pic.png?quality=abc").status_code == 403


def test_leniency_is_warned_about(lenient: servers.Running) -> None:
    """At the start, and by check-config."""
    assert any("compat.lenient" in warning for warning in lenient.settings.warnings)


@pytest.mark.parametrize(
    "path", ["/_health", "/_live", "/_ready", "/_metrics", "/robots.txt", "/openapi.json", "/ping"]
)
def test_u10_a_slash_at_the_end_changes_nothing(web: servers.Client, path: str) -> None:
    """Of what is no picture: a balancer may ask so."""
    for method in ("GET", "HEAD"):
        with_slash, without = web.request(method, f"{path}/"), web.request(method, path)
        assert with_slash.status_code == without.status_code == 200
        assert with_slash.headers["Content-Type"] == without.headers["Content-Type"]


def test_u10_tokens_are_issued_with_a_slash_at_the_end(web: servers.Client, name: str) -> None:
    """To those who get them without one."""
    answer = web.post("/token/", json={"id": name, "secret": servers.SECRET})
    assert answer.json()["id"] == name
    assert web.post("/token/", json={"id": f"{name}-b"}).status_code == 401
    assert web.post("/purge/", json={"id": name}).status_code == 403
    assert web.get(f"/{name}_3_3.jpg/").status_code == 404


@pytest.fixture(scope="module")
def upright(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Running]:
    """A server that turns originals as Live Image Resize did, with bounds below their size."""
    with servers.Running(
        tmp_path_factory.mktemp("upright"),
        secret=servers.SECRET,
        originals__upright=True,
        signing__keys=[KEY],
        constraints__max_width=40,
        constraints__max_height=40,
    ) as running:
        yield running


def photo(orientation: int, form: str = "JPEG") -> bytes:
    """A picture stored as 64x48, with its left half dark."""
    image = Image.new("RGB", (64, 48), "white")
    image.paste((20, 20, 20), (0, 0, 32, 48))
    exif = image.getexif()
    exif[0x0112] = orientation
    return pictures.encoded(image, form, exif=exif)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [2, 3, 6, 8])
def test_u7_an_original_is_upright_with_its_extension(
    upright: servers.Running, name: str, orientation: int, form: str
) -> None:
    """At full size, whatever the bounds are; as it was stored without an extension."""
    web, data = upright.client, photo(orientation, form)
    web.put_in(name, data)
    stored = web.get(f"/{name}")
    assert stored.content == web.get(f"/{name}").content
    assert Image.open(io.BytesIO(stored.content)).getexif()[0x0112] == orientation
    head = web.head(f"/{name}.{form}")
    assert head.status_code == 200
    answer = web.get(f"/{name}.{form}", follow_redirects=True)
    turned = Image.open(io.BytesIO(answer.content))
    assert (answer.status_code, turned.format) == (200, form)
    assert turned.size == ((64, 48) if orientation < 5 else (48, 64))
    assert 0x0112 not in turned.getexif()
    dark = {2: (60, 24), 3: (60, 24), 6: (24, 4), 8: (24, 60)}[orientation]
    assert max(turned.convert("RGB").getpixel(dark)) < 60  # type: ignore[arg-type]
    assert answer.headers["ETag"] != stored.headers["ETag"]
    upright.published()
    again = web.get(f"/{name}.{form}", follow_redirects=True)
    assert again.headers["ETag"] == answer.headers["ETag"]
    same = web.get(f"/{name}.{form}", headers={"If-None-Match": answer.headers["ETag"]})
    assert same.status_code == 304
    assert web.get(f"/{name}_50_0.{form}").status_code == 307


@pytest.mark.parametrize("orientation", [1, None])
def test_u7_what_is_upright_is_its_stored_bytes(
    upright: servers.Running, name: str, orientation: int | None
) -> None:
    """Without a render."""
    data = pictures.jpeg() if orientation is None else photo(orientation)
    upright.client.put_in(name, data)
    rendered = upright.renders
    answers = [upright.client.get(f"/{name}{ending}") for ending in ("", ".jpg", ".jpg")]
    assert len({answer.content for answer in answers}) == 1
    assert upright.renders == rendered
    assert answers[-1].headers["X-Cache"] == "HIT-MEMORY"


def test_u7_a_photo_is_as_stored_by_default(web: servers.Client, name: str) -> None:
    """Its orientation is in its EXIF, and browsers follow it."""
    web.put_in(name, photo(6))
    assert web.get(f"/{name}.jpg").content == web.get(f"/{name}").content


def test_u7_originals_that_are_not_public_stay_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Turned or not: their answer is for those with a signature, and is no redirect."""
    with servers.Running(
        tmp_path_factory.mktemp("private"),
        originals__upright=True,
        originals__public=False,
        signing__keys=[KEY],
    ) as running:
        web = running.client
        web.put_in("pic", photo(6))
        for _ in range(2):
            assert web.get("/pic.jpg").status_code == web.head("/pic.jpg").status_code == 404
            answer = web.get(signing.sign("/pic.jpg", KEY))
            assert answer.status_code == 200
            assert Image.open(io.BytesIO(answer.content)).size == (48, 64)
            running.published()
