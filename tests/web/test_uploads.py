"""POST of an image with its token: what is taken, and what is refused."""

import contextlib
import hashlib
import re
import sqlite3
from collections.abc import Callable

import pytest

from liveresize import errors
from scripts.benchmarks import large
from scripts.sieging import _bombs

from . import forms, pictures, servers, wire


def free(server: servers.Running, name: str) -> bool:
    """Whether nothing is left of an upload: no file, and a new token is to be had."""
    assert server.staged == []
    assert not any(path.name.startswith(f"{name}~") for path in server.originals)
    return bool(server.client.token(name))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
@pytest.mark.parametrize("multipart", [True, False])
def test_an_image_is_taken_raw_or_in_a_form(
    web: servers.Client, name: str, form: str, multipart: bool
) -> None:
    """The bytes decide the format; the receipt tells what is stored."""
    data = pictures.encoded(pictures.gradient(64, 48), form)
    token = web.token(name)
    if multipart:
        file = {"image": ("evil/../name.exe", data, "application/octet-stream")}
        answer = web.post(f"/{name}", files=file, headers={"X-Token": token})
    else:
        answer = web.upload(name, data, token, "image/x-anything")
    assert answer.status_code == 200
    facts = web.get(f"/{name}.json").json()
    assert answer.json() == {
        "status": "OK",
        "id": name,
        "original_width": 64,
        "original_height": 48,
        "format": form.lower(),
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        **{field: facts[field] for field in ("version", "dominant_color", "thumbhash")},
    }
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert web.get(f"/{name}").content == data


def test_other_fields_of_a_form_are_passed_over(web: servers.Client, name: str) -> None:
    """Before and after the image, as browsers and their libraries add them."""
    data = pictures.png()
    before, after = forms.part(b"x" * 1000, "note", ""), forms.part(b"", "submit", "")
    answer = web.post(
        f"/{name}",
        content=forms.form(before, forms.part(data), after) + b"epilogue",
        headers={"X-Token": web.token(name), "Content-Type": forms.CONTENT_TYPE},
    )
    assert answer.status_code == 200
    assert web.get(f"/{name}").content == data


def test_a_chunked_body_is_taken(web: servers.Client, name: str) -> None:
    """A client that does not know the length beforehand."""
    data = pictures.png()
    pieces = (data[start : start + 100] for start in range(0, len(data), 100))
    headers = {"X-Token": web.token(name), "Content-Type": "image/png"}
    assert web.post(f"/{name}", content=pieces, headers=headers).status_code == 200
    assert web.get(f"/{name}").content == data


def test_the_id_is_matched_whole_then_without_its_extension(web: servers.Client, name: str) -> None:
    """`cat` goes to `/cat.jpg`, whatever the bytes are."""
    token = web.token(name)
    assert web.upload(f"{name}.jpg", pictures.png(), token).json()["id"] == name
    assert web.get(f"/{name}.png").status_code == 200
    dotted = f"{name}.v2"
    assert web.upload(dotted, pictures.png(), web.token(dotted)).json()["id"] == dotted


@pytest.mark.parametrize("path", ["dog.jpg", "{name}s", "{name}.jpg.jpg", "{name}_10_10.jpg"])
def test_a_token_for_another_id_is_403(web: servers.Client, name: str, path: str) -> None:
    """And it is not spent by that."""
    token = web.token(name)
    answer = web.upload(path.format(name=name), pictures.png(), token)
    assert (answer.status_code, answer.json()["code"]) == (403, "token_refused")
    assert web.upload(name, pictures.png(), token).status_code == 200


@pytest.mark.parametrize("token", ["", "x", "00000000-0000-4000-8000-000000000000", "\xe9" * 99])
def test_a_token_that_nobody_issued_is_403(server: servers.Running, name: str, token: str) -> None:
    """Missing, made up or no token at all."""
    headers = {"X_Token": token} if token else {}
    answer = wire.ask(
        server.port, f"/{name}", "POST", pictures.png(), Content_Type="image/png", **headers
    )
    assert answer.status == 403
    assert b"token_refused" in answer.body


def test_an_expired_token_is_403_and_its_id_free(server: servers.Running, name: str) -> None:
    """The clock is the database's; here its row is moved back instead."""
    token = server.client.token(name)
    path = server.data / "liveresize.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "update upload_tokens set expires_at = issued_at - 1 where name = ?", (name,)
        )
    answer = server.client.upload(name, pictures.png(), token)
    refusal = answer.json()
    assert (answer.status_code, refusal["code"], refusal["cause"]) == (
        403,
        "token_refused",
        "expired",
    )
    assert free(server, name)


def test_the_same_bytes_again_get_the_same_answer(web: servers.Client, name: str) -> None:
    """The 200 was lost on the way; other bytes with the same token are refused."""
    token, data = web.token(name), pictures.png()
    first, again = web.upload(name, data, token), web.upload(name, data, token)
    assert (again.status_code, again.content) == (200, first.content)
    file = {"image": ("cat.png", data)}
    assert web.post(f"/{name}", files=file, headers={"X-Token": token}).content == first.content
    other = web.upload(name, pictures.png(shade=1), token)
    assert (other.status_code, other.json()["code"]) == (403, "token_refused")
    assert web.get(f"/{name}").content == data


WRONG = [
    (b"hello", 415, "unsupported_image"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported_image"),
    (pictures.encoded(pictures.gradient(9, 9), "BMP"), 415, "unsupported_image"),
    (pictures.encoded(pictures.gradient(9, 9), "TIFF"), 415, "unsupported_image"),
    (pictures.blank(12_000, 11_000), 413, "upload_too_large"),
    (_bombs.jpeg_scans(101, (400, 300)), 422, "work_exceeded"),
]


@pytest.mark.parametrize(("data", "status", "code"), WRONG)
def test_what_is_no_picture_of_ours_is_refused(
    server: servers.Running, name: str, data: bytes, status: int, code: str
) -> None:
    """With a status that says which; nothing is left, and the token is spent."""
    token = server.client.token(name)
    answer = server.client.upload(name, data, token)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert server.client.upload(name, pictures.png(), token).status_code == 403
    assert free(server, name)


@pytest.mark.parametrize(("form", "end"), [("JPEG", 2), ("PNG", 12), ("GIF", 1)])
def test_a_picture_without_its_end_is_stored_with_it(
    server: servers.Running, name: str, form: str, end: int
) -> None:
    """Browsers show it, and every pixel is there."""
    data = pictures.encoded(pictures.gradient(200, 150), form)
    client = server.client
    assert client.upload(name, data[:-end], client.token(name)).status_code == 200
    stored = client.get(f"/{name}").content
    assert stored.endswith(data[-end:])
    assert pictures.opened(stored).tobytes() == pictures.opened(data).tobytes()


@pytest.mark.parametrize("keep", [0.5, 0.9])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_picture_cut_short_is_refused(
    server: servers.Running, name: str, form: str, keep: float
) -> None:
    """An original is whole or not there."""
    data = pictures.encoded(pictures.gradient(200, 150), form)
    answer = server.client.upload(name, data[: int(len(data) * keep)], server.client.token(name))
    assert (answer.status_code, answer.json()["code"]) == (422, "unreadable_image")
    assert f"a damaged {form}" in answer.json()["error"].replace("WebP", "WEBP")
    assert free(server, name)


def test_an_upload_over_the_limit_is_413(launch: Callable[..., servers.Running]) -> None:
    """Whether the head says so, or the body only shows it, or the token asked for less."""
    running = launch(constraints__max_upload_bytes=200_000)
    web, data = running.client, bytes(210_000)
    announced = web.upload("a", data, web.token("a"))
    pieces = (data[:70_000] for _ in range(10))
    headers = {"X-Token": web.token("b"), "Content-Type": "image/png"}
    found_out = web.post("/b", content=pieces, headers=headers)
    picture = pictures.png(200, 200)
    narrowed = web.upload("c", picture, web.token("c", max_bytes=len(picture) - 1))
    form = {"image": ("a.png", data, "image/png")}
    boxed = web.post("/a", files=form, headers={"X-Token": web.token("a")})
    larger = {"image": ("a.png", bytes(400_000), "image/png")}
    parcel = web.post("/a", files=larger, headers={"X-Token": web.token("a")})
    unsized = web.post("/token", content=(b" " * 40_000 for _ in range(2)))
    setting, size = "`constraints.max_upload_bytes`", len(picture)
    for answer, sentence in (
        (announced, f"The image has 210,000 bytes; {setting} allows 200,000."),
        (found_out, f"The image has more than the 200,000 bytes that {setting} allows."),
        (narrowed, f"The image has {size:,} bytes; `max_bytes` of the token allows {size - 1:,}."),
        (boxed, f"The image has more than the 200,000 bytes that {setting} allows."),
        (parcel, f"; {setting} allows 200,000."),
        (unsized, "The body has more than the 65,536 bytes that this address allows."),
    ):
        assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")
        assert answer.json()["error"].endswith(sentence)
    assert parcel.json()["error"].startswith("The body has 400,")
    assert web.upload("d", picture, web.token("d", max_bytes=len(picture))).status_code == 200
    assert all(free(running, name) for name in "abc")


@pytest.mark.long
def test_a_picture_that_needs_too_much_memory_is_413_with_the_figures(
    launch: Callable[..., servers.Running],
) -> None:
    """Before it is decoded; one that a worker has the memory for is rendered in every format."""
    running = launch(
        workers__memory_bytes=320 * 2**20, constraints__max_width=500, constraints__max_height=500
    )
    web = running.client
    answer = web.upload("large", large.png((8000, 6000), 8, 2), web.token("large"))
    assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")
    assert re.fullmatch(
        r"This picture of 8000x6000 pixels needs \d+ MB of memory, and a worker has \d+ MB for it "
        r"\(workers\.memory_bytes\)\.",
        answer.json()["error"],
    )
    assert free(running, "large")
    web.put_in("grey", large.png((8000, 6000), 8, 0))
    for form in ("jpg", "png", "webp", "avif", "gif"):
        assert web.get(f"/grey_500_500.{form}?fit=crop").status_code == 200
    over = web.upload("over", pictures.blank(12_000, 11_000), web.token("over"))
    assert "has 132.0 megapixels; `constraints.max_input` allows 128." in over.json()["error"]


def test_an_upload_that_takes_too_long_is_the_fault_of_the_file(
    launch: Callable[..., servers.Running],
) -> None:
    """422 and no 5xx, so that nobody sends it again; nothing is left, and the id is free."""
    running = launch(timeout__conversion=1)
    answer = running.client.upload("cat", pictures.noise(1500, 1500), running.client.token("cat"))
    assert (answer.status_code, answer.json()["code"]) == (422, "work_exceeded")
    assert free(running, "cat")


def test_a_token_can_narrow_the_formats(server: servers.Running, name: str) -> None:
    """`jpg` is `jpeg`, in any case of letters."""
    web = server.client
    refused = web.upload(name, pictures.png(), web.token(name, formats=["JPG", "webp"]))
    assert (refused.status_code, refused.json()["code"]) == (415, "unsupported_image")
    taken = web.upload(name, pictures.jpeg(), web.token(name, formats=["JPG", "webp"]))
    assert taken.status_code == 200


def test_formats_that_the_operator_does_not_want_are_415(
    launch: Callable[..., servers.Running],
) -> None:
    """`formats.input` narrows what is taken at all."""
    web = launch(formats__input=["png"]).client
    assert web.upload("a", pictures.jpeg(), web.token("a")).status_code == 415
    assert web.upload("b", pictures.png(), web.token("b")).status_code == 200


def test_a_disk_under_its_reserve_is_507(launch: Callable[..., servers.Running]) -> None:
    """No upload is begun; the id is free, and what is there is still served."""
    with launch() as roomy:
        roomy.client.put_in("cat", pictures.jpeg())
    running = launch(disk__reserve=1 << 60)
    answer = running.client.upload("dog", pictures.png(), running.client.token("dog"))
    assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
    assert answer.headers["Retry-After"] == "60"
    assert free(running, "dog")
    for _ in range(2):
        running.let_go()
        assert running.client.get("/cat_20_0.jpg").headers["X-Cache"] == "MISS"
        running.published()


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/json", "application/x-www-form-urlencoded"]
)
def test_a_body_that_claims_no_image_is_400(server: servers.Running, name: str, kind: str) -> None:
    """Nothing is left, and the id is free."""
    answer = server.client.upload(name, pictures.png(), server.client.token(name), kind)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_upload")
    assert free(server, name)


BOUNDARY = {"Content-Type": forms.CONTENT_TYPE}
PART = forms.part(b"a picture, as far as anyone has looked")

UNREAD = {
    "another field": ("", BOUNDARY, forms.form(forms.part(pictures.png(), "photo"))),
    "no field": ("", BOUNDARY, forms.form()),
    "two images": ("", BOUNDARY, forms.form(PART, PART)),
    "a form cut off": ("", BOUNDARY, forms.form(PART)[:-10]),
    "too much besides": ("", BOUNDARY, forms.form(forms.part(bytes(100_000), "note"), PART)),
    "no form": ("", BOUNDARY, bytes(100_000)),
    "no boundary": ("", {"Content-Type": "multipart/form-data"}, forms.form(PART)),
    "an empty image": ("", BOUNDARY, forms.form(forms.part(b""))),
    "an empty body": ("", {"Content-Type": "image/png"}, b""),
    "a wrong type": ("", {"Content-Type": "text/plain"}, pictures.png()),
    "a bad crop": ("?x=one", {"Content-Type": "image/png"}, pictures.png()),
    "a negative crop": ("?width=-1", {"Content-Type": "image/png"}, pictures.png()),
}


@pytest.mark.parametrize("wrong", UNREAD)
def test_a_request_without_a_picture_gives_its_token_back(
    server: servers.Running, name: str, wrong: str
) -> None:
    """Nothing was stored, because no picture was read: the token uploads, or gives way."""
    query, headers, body = UNREAD[wrong]
    web, token = server.client, server.client.token(name)

    def fail(token: str) -> int:
        sent = {**headers, "X-Token": token}
        return web.post(f"/{name}{query}", content=body, headers=sent).status_code

    assert fail(token) == 400
    assert server.staged == []
    assert web.upload(name, pictures.png(), token).status_code == 200
    other = web.token(name, overwrite=True)
    assert fail(other) == 400
    newer = web.token(name, overwrite=True)
    assert web.upload(name, pictures.png(), other).json()["cause"] == "unknown"
    assert web.upload(name, pictures.png(shade=9), newer).status_code == 200


def test_a_token_is_given_back_five_times(server: servers.Running, name: str) -> None:
    """The sixth request without a picture is its last."""
    web, token = server.client, server.client.token(name)
    statuses = [web.upload(name, b"", token).status_code for _ in range(6)]
    assert statuses == [400] * 6
    refused = web.upload(name, pictures.png(), token)
    assert (refused.status_code, refused.json()["cause"]) == (403, "used")
    assert free(server, name)


def test_a_crop_that_misses_the_picture_spends_its_token(
    server: servers.Running, name: str
) -> None:
    """The picture was read by then."""
    web, token = server.client, server.client.token(name)
    assert web.upload(name, pictures.png(64, 48), token, query="?x=64").status_code == 400
    assert web.upload(name, pictures.png(), token).json()["cause"] == "used"


def test_a_refused_token_tells_its_cause(server: servers.Running, name: str) -> None:
    """In a field of its own, and as a sentence; a token that is not ours tells nothing."""
    web, token = server.client, server.client.token(name)
    for path, brought, cause in (
        (name, "made-up", "unknown"),
        (f"{name}s", "made-up", "unknown"),
        (f"{name}s", token, "other_id"),
    ):
        refused = web.upload(path, pictures.png(), brought).json()
        assert (refused["code"], refused["cause"]) == ("token_refused", cause)
        assert refused["error"] == errors.TokenRefused.CAUSES[cause]
    assert web.upload(name, pictures.png(), token).status_code == 200
    assert web.upload(name, pictures.png(shade=9), token).json()["cause"] == "used"
    missing = web.post(f"/{name}", content=pictures.png()).json()
    assert (missing["cause"], missing["error"]) == ("unknown", "The header X-Token is missing.")


def test_a_crop_is_cut_out_of_the_upright_picture(web: servers.Client, name: str) -> None:
    """In pixels as a person sees them, whatever EXIF says."""
    exif = pictures.gradient(64, 48).getexif()
    exif[0x0112] = 6
    token = web.token(name)
    crop = "?x=8&y=16&width=24&height=40"
    answer = web.upload(name, pictures.jpeg(64, 48, exif=exif), token, query=crop)
    assert answer.status_code == 200
    assert (answer.json()["original_width"], answer.json()["original_height"]) == (24, 40)
    assert web.get(f"/{name}.json").json()["width"] == 24


@pytest.mark.parametrize(
    "crop",
    [
        "x=64&y=0&width=1&height=1",
        "x=-1&y=0&width=1&height=1",
        "x=0&y=0&width=-1&height=1",
        "x=0&y=0&width=%D9%A3&height=1",
        "x=one",
    ],
)
def test_a_crop_outside_the_picture_is_400(server: servers.Running, name: str, crop: str) -> None:
    """And so is one that is no box."""
    answer = server.client.upload(
        name, pictures.png(64, 48), server.client.token(name), query=f"?{crop}"
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_crop")
    assert free(server, name)


def test_an_overwrite_leaves_nothing_of_the_old_picture(server: servers.Running, name: str) -> None:
    """No original, no rendition, no redirect to one."""
    web = server.client
    web.put_in(name, pictures.jpeg(64, 48))
    web.get(f"/{name}_20_0.jpg")
    server.published()
    place = web.get(f"/{name}_20_0.jpg").headers["Location"]
    before = [path for path in server.originals if path.name.startswith(f"{name}~")]
    second = pictures.jpeg(48, 64)
    web.put_in(name, second, overwrite=True)
    after = [path for path in server.originals if path.name.startswith(f"{name}~")]
    assert len(before) == len(after) == 1
    assert before != after
    assert web.get(f"/{name}.jpg").content == second
    fresh = web.get(f"/{name}_20_0.jpg")
    assert (fresh.status_code, fresh.headers["X-Cache"]) == (200, "MISS")
    assert pictures.opened(fresh.content).size == (20, 27)
    assert web.get(place).status_code == 404


@pytest.mark.parametrize(
    ("second", "status"), [(b"no picture", 415), (_bombs.jpeg_scans(101, (400, 300)), 422)]
)
def test_a_failed_overwrite_leaves_the_old_picture(
    server: servers.Running, name: str, second: bytes, status: int
) -> None:
    """One attempt that came to nothing changes nothing."""
    web, data = server.client, pictures.jpeg()
    web.put_in(name, data)
    answer = web.upload(name, second, web.token(name, overwrite=True))
    assert answer.status_code == status
    assert web.get(f"/{name}.jpg").content == data
    assert web.get(f"/{name}_20_0.jpg").status_code == 200


def test_a_large_original_is_scaled_down_as_it_is_stored(
    launch: Callable[..., servers.Running],
) -> None:
    """Over `constraints.max_on_disk`; the receipt tells the size that is stored."""
    web = launch(constraints__max_on_disk=0.01).client
    receipt = web.put_in("cat", pictures.jpeg(400, 100))
    assert receipt["original_width"] * receipt["original_height"] <= 10_000
    assert receipt["original_width"] == pytest.approx(200, abs=1)
    assert web.get("/cat.jpg").headers["Content-Length"] == str(receipt["bytes"])


def test_a_page_of_any_origin_may_upload(web: servers.Client, name: str) -> None:
    """The preflight allows what an upload sends: its token is its leave."""
    answer = web.options(
        f"/{name}",
        headers={"Origin": "https://app.test", "Access-Control-Request-Method": "POST"},
    )
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "X-Token" in answer.headers["Access-Control-Allow-Headers"]
    assert "Content-Length" not in answer.headers
