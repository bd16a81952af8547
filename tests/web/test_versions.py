"""`?version=`: an address that may be kept for good, because its picture never changes."""

import pytest

from liveresize.core.originals import version_of

from . import pictures, servers

LASTING = "public, max-age=31536000, immutable"


def version(server: servers.Running, name: str) -> str:
    """The version of a picture."""
    answer = server.client.get(f"/{name}.jpg", headers={"Range": "bytes=0-0"})
    assert answer.status_code == 206
    (path,) = [path for path in server.originals if path.name.startswith(f"{name}~")]
    return version_of(path.name.rpartition("~")[2])


@pytest.mark.parametrize("path", ["{}_20_0.jpg?proxy=true&", "{}.jpg?", "{}_20_0.png?proxy=true&"])
def test_the_current_version_may_be_kept_for_good(
    server: servers.Running, name: str, path: str
) -> None:
    """By GET, from memory, from disk, and by HEAD."""
    web = server.client
    web.put_in(name, pictures.jpeg())
    address = f"/{path.format(name)}version={version(server, name)}"
    for _ in range(2):
        answer = web.get(address)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, LASTING)
    server.published()
    server.let_go()
    for answer in (web.get(address), web.head(address)):
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, LASTING)
    assert "X-Ignored-Parameters" not in answer.headers


def test_a_redirect_is_kept_as_long_as_before(server: servers.Running, name: str) -> None:
    """It leads to an object of one engine, and another one may follow."""
    web = server.client
    web.put_in(name, pictures.jpeg())
    address = f"/{name}_20_0.jpg?version={version(server, name)}"
    web.get(address)
    server.published()
    answer = web.get(address)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (303, "public, max-age=604800")


def test_an_old_version_leads_to_the_current_one(server: servers.Running, name: str) -> None:
    """With all other parameters as they were; nothing is rendered on the way."""
    web = server.client
    web.put_in(name, pictures.jpeg())
    old = version(server, name)
    kept = f"/{name}_20_20.jpg?version={old}&fit=crop&nonsense=1&proxy=true"
    assert web.get(kept).status_code == 200
    web.put_in(name, pictures.jpeg(shade=9), overwrite=True)
    current, renders = version(server, name), server.renders
    assert current != old
    for method in ("GET", "HEAD"):
        answer = web.request(method, kept)
        assert answer.status_code == 302
        place = f"/{name}_20_20.jpg?fit=crop&nonsense=1&proxy=true&version={current}"
        assert answer.headers["Location"] == place
        assert answer.headers["Cache-Control"] == "public, max-age=60"
        assert answer.headers["Cache-Tag"] == answer.headers["Surrogate-Key"] == name
        too_large = web.request(method, f"/{name}_9000_0.jpg?version={old}")
        assert too_large.status_code == 302
    assert server.renders == renders
    assert web.get(place).headers["Cache-Control"] == LASTING


@pytest.mark.parametrize("text", ["", "1", "ABCDEF01", "zzzzzzzz", "012345678", "0123456%37"])
def test_what_can_be_no_version_is_ignored(server: servers.Running, name: str, text: str) -> None:
    """As if it were not there."""
    server.client.put_in(name, pictures.jpeg())
    answer = server.client.get(f"/{name}_20_0.jpg?version={text}")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "public, max-age=86400")


def test_no_picture_has_no_version(server: servers.Running, name: str) -> None:
    """404 comes first, and cannot be kept."""
    assert server.client.get(f"/{name}_20_0.jpg?version=00000000").status_code == 404
