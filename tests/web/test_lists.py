"""GET /_pictures: the list of originals, for holders of an admin secret."""

import httpx

from . import pictures, servers

BEARER = {"Authorization": f"Bearer {servers.ADMIN}"}


def listed(web: servers.Client, query: str) -> httpx.Response:
    """The answer to an admin."""
    return web.get(f"/_pictures?{query}", headers=BEARER)


def names(answer: httpx.Response) -> list[str]:
    """The ids on a page."""
    assert answer.status_code == 200, answer.text
    return [picture["id"] for picture in answer.json()["pictures"]]


def test_an_administrator_lists_pictures(server: servers.Running, name: str) -> None:
    """Page by page, with all that is known of each; nobody keeps the answer."""
    web = server.client
    for end, data in (("1", pictures.jpeg()), ("2+ä", pictures.png()), ("3", pictures.jpeg())):
        web.put_in(f"{name}-{end}", data)
    answer = listed(web, f"prefix={name}-&limit=2")
    assert names(answer) == [f"{name}-1", f"{name}-2+ä"]
    assert answer.json()["next"] == f"{name}-2+ä"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in answer.headers
    first = answer.json()["pictures"][0]
    facts = web.get(f"/{name}-1.json").json()
    assert {key: first[key] for key in facts} == facts
    assert {first["state"], first["held"], first["meta"], first["keep_until"]} == {
        "public", False, None
    }  # fmt: skip
    last = listed(web, f"prefix={name}-&limit=2&after={name}-2%2B%C3%A4")
    assert (names(last), last.json()["next"]) == ([f"{name}-3"], None)
    for query, found in (
        ("format=PNG", ["2+ä"]),
        ("format=jpg&held=false", ["1", "3"]),
        ("held=true", []),
        ("expiring=true", []),
        ("expiring=false&limit=1", ["1"]),
        (f"uploaded_since={facts['uploaded_at']}", ["1", "2+ä", "3"]),
        ("uploaded_since=99999999999", []),
        ("limit=&after=&limit=1", ["1", "2+ä", "3"]),
    ):
        assert names(listed(web, f"prefix={name}-&{query}")) == [f"{name}-{end}" for end in found]
    guessed = listed(web, f"prefix={name}-&cursor=1&state=expired").json()["ignored"]
    assert guessed == ["cursor (did you mean after?)", "state (did you mean held?)"]
    head = web.head("/_pictures", headers=BEARER)
    assert (head.status_code, head.content) == (200, b"")


def test_everything_else_is_refused(server: servers.Running) -> None:
    """With what is allowed; and without the secret it is no secret that there is a list."""
    web = server.client
    for query in (
        "limit=0", "limit=1001", "limit=x", "held=1", "expiring=1", "uploaded_since=yesterday",
        "uploaded_since=2026-01-01T00:00", "format=j%20g", "prefix=%00", "after=%00",
    ):  # fmt: skip
        answer = listed(web, query)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter"), query
        assert query.partition("=")[0] in answer.json()["error"]
    assert listed(web, "prefix=%ff").json()["code"] == "malformed_url"
    assert listed(web, "bucket=unlisted").status_code == 404
    assert web.get("/_pictures").status_code == 401
    assert web.get("/_pictures", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert web.post("/_pictures", headers=BEARER).status_code == 405
