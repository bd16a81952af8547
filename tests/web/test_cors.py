"""What pages of other origins may send and read, and what they may not."""

import json
from collections.abc import Callable, Mapping

import pytest

from liveresize.http.cors import EXPOSED

from . import forms, pictures, servers

PAGE = {"Origin": "https://app.test", "Access-Control-Request-Method": "POST"}
ASKED = "Access-Control-Request-Headers"
USUAL = "X-Token, Content-Type"


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        ("", USUAL),
        ("cache-control,x-requested-with,x-token", "cache-control,x-requested-with,x-token"),
        ("baggage, sentry-trace, traceparent", "baggage, sentry-trace, traceparent"),
        (",".join(f"x-{index}" for index in range(20)),) * 2,
        (",".join(f"x-{index}" for index in range(21)), USUAL),
        (f"x-{'y' * 1022}",) * 2,
        (f"x-{'y' * 1023}", USUAL),
        ("x-token, a b", USUAL),
        ("x_token", USUAL),
        ("*", USUAL),
        ("x-token,,x-b", USUAL),
    ],
)
def test_a_page_may_send_the_headers_that_it_asks_for(
    web: servers.Client, name: str, asked: str, allowed: str
) -> None:
    """Up to twenty names in a kilobyte; otherwise the usual ones."""
    answer = web.options(f"/{name}", headers={**PAGE, ASKED: asked})
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Headers"] == allowed
    assert answer.headers["Vary"] == ASKED
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD, POST"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_pages_may_read_what_they_need(web: servers.Client, name: str) -> None:
    """Of uploads, pictures, redirects and errors; isolated pages may show pictures."""
    receipt = web.upload(name, pictures.png(), web.token(name))
    answers = [web.get(f"/{name}{rest}") for rest in ("", ".png", "_8_6.png", "_9999_0.png")]
    for answer in (receipt, *answers, web.get(f"/{name}.json"), web.get("/nothing")):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers[EXPOSED[0]] == EXPOSED[1]
    for answer in answers:
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


def ask(client: servers.Client, headers: Mapping[str, str], name: str) -> tuple[int, str]:
    """Status and code of a request for a token."""
    answer = client.post("/token", content=json.dumps({"id": name}), headers=dict(headers))
    assert "Access-Control-Allow-Origin" not in answer.headers
    return answer.status_code, answer.json().get("code", "")


JSON = {"Content-Type": "application/json"}


def test_pages_of_other_origins_get_no_tokens(launch: Callable[..., servers.Running]) -> None:
    """While no secret is set, by whatever browsers say of the page; applications go on."""
    running = launch()
    client, host = running.client, running.url.removeprefix("http://")
    refused = (403, "origin_refused")
    for headers in (
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Origin": f"http://{host}.evil.test"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": f"http://{host}"},
        {"Sec-Fetch-Site": "strange"},
    ):
        assert ask(client, {**JSON, **headers}, "cat") == refused
        assert ask(client, {**headers, "Content-Type": "text/plain"}, "cat") == refused
    own = {"Origin": f"http://{host}"}
    assert ask(client, {**own, "Content-Type": "text/plain"}, "cat") == (400, "bad_body")
    assert ask(client, {**own, **JSON}, "a")[0] == 200
    assert ask(client, {"Sec-Fetch-Site": "same-origin", **JSON}, "b")[0] == 200
    assert ask(client, {"Sec-Fetch-Site": "none", **JSON}, "c")[0] == 200
    assert ask(client, {"Content-Type": "application/x-www-form-urlencoded"}, "d")[0] == 200
    preflight = client.options("/token", headers={**PAGE, ASKED: "content-type"})
    assert preflight.status_code == 405
    assert "Access-Control-Allow-Origin" not in preflight.headers
    assert EXPOSED[0] not in preflight.headers


def test_a_secret_is_enough_for_any_page(web: servers.Client, name: str) -> None:
    """Whoever has it may ask from anywhere, as before."""
    body = json.dumps({"id": name, "secret": servers.SECRET})
    answer = web.post("/token", content=body, headers={"Origin": "https://app.test"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "kind", ["", "application/octet-stream", "binary/octet-stream", "image/whatever"]
)
def test_a_body_without_a_type_is_a_raw_image(web: servers.Client, name: str, kind: str) -> None:
    """The server looks at the bytes."""
    request = web.build_request("POST", f"/{name}", content=pictures.png())
    request.headers["X-Token"] = web.token(name).upper()
    if kind:
        request.headers["Content-Type"] = kind
    assert web.send(request).status_code == 200


def test_the_field_may_be_called_file(web: servers.Client, name: str) -> None:
    """As many libraries call it; another name is told, with those that came."""
    files = {"file": ("a.png", pictures.png(), "image/png")}
    assert web.post(f"/{name}", files=files, headers={"X-Token": web.token(name)}).is_success
    wrong = {"upload": ("a.png", pictures.png(), "image/png"), "b<c": ("a", b"", "text/plain")}
    other = f"{name}-2"
    answer = web.post(f"/{other}", files=wrong, headers={"X-Token": web.token(other)})
    assert answer.status_code == 400
    assert "its fields: `upload`, `b?c`" in answer.json()["error"]


def test_the_notes_of_filepond_are_no_second_image(web: servers.Client, name: str) -> None:
    """It sends JSON under the name of the image first; a file that begins like that is no notes."""
    headers = {"X-Token": web.token(name), "Content-Type": forms.CONTENT_TYPE}
    notes, image = forms.part(b"{}", extra=""), forms.part(pictures.png())
    alone = web.post(f"/{name}", content=forms.form(notes), headers=headers)
    assert (alone.status_code, alone.json()["code"]) == (400, "bad_upload")
    file = web.post(f"/{name}", content=forms.form(forms.part(b"{}"), image), headers=headers)
    assert "more than one image" in file.json()["error"]
    assert web.post(f"/{name}", content=forms.form(notes, image), headers=headers).is_success
    assert web.get(f"/{name}").content == pictures.png()


def test_an_image_may_have_no_file_name(web: servers.Client, name: str) -> None:
    """As `curl -F "image=<cat.png"` sends it, however the body is cut into chunks."""
    headers = {"X-Token": web.token(name), "Content-Type": forms.CONTENT_TYPE}
    data = pictures.png() + b"{"
    body = forms.form(forms.part(data, extra=""))
    pieces = (body[at : at + 1] for at in range(len(body)))
    assert web.post(f"/{name}", content=pieces, headers=headers).is_success
    assert web.get(f"/{name}").status_code == 200


@pytest.mark.parametrize("preamble", [b"", b"This is a form.\r\n", b"\r\n", b"--\r\nx\r\n"])
def test_text_before_the_first_boundary_is_skipped(
    web: servers.Client, name: str, preamble: bytes
) -> None:
    """As RFC 2046 lets it be there, however the body is cut into chunks."""
    body = preamble + forms.part(pictures.png()) + forms.END
    headers = {"X-Token": web.token(name), "Content-Type": forms.CONTENT_TYPE}
    pieces = (body[index : index + 7] for index in range(0, len(body), 7))
    assert web.post(f"/{name}", content=pieces, headers=headers).status_code == 200


def test_a_name_in_another_normal_form_is_that_of_the_token(web: servers.Client) -> None:
    """Some systems hand out file names in NFD, and ids are NFC."""
    token = web.token("caf\u00e9")
    answer = web.upload("cafe\u0301.png", pictures.png(), token)
    assert (answer.status_code, answer.json()["id"]) == (200, "caf\u00e9")


def test_a_url_in_another_normal_form_reaches_the_picture(web: servers.Client) -> None:
    """On every route of a picture; other spellings do not."""
    web.put_in("th\u00e9", pictures.png())
    for rest in ("", ".json", ".png", "_8_0.png", "_8_0_1.5x.png"):
        assert web.get(f"/the\u0301{rest}").status_code in (200, 303), rest
        assert web.head(f"/the\u0301{rest}").status_code in (200, 303), rest
    assert web.get("/the\u0301_9000_0.png").headers["Location"] == "/th%C3%A9_2000_0.png"
    assert web.get("/the_8_0.png").status_code == 404
    assert web.get("/the\u0301x_8_0.png").json()["code"] == "original_missing"
