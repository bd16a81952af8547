"""Signed addresses: what needs one, what one opens, and how long its answer is kept."""

import contextlib
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from storage import s3worlds
from storage.s3worlds import World

from liveresize import errors
from liveresize.core import signing

from . import buckets, pictures, servers, wire
from .buckets import Gallery

KEY, OLD = "the key that signs", "the key that signed before"
KEYS: dict[str, object] = {"signing__keys": [KEY, OLD]}

NAME = "été ~a+b"
"""Nothing of which every proxy spells alike."""
PATH = "/%C3%A9t%C3%A9%20~a%2Bb"


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A server every picture of which needs a signature."""
    folder = tmp_path_factory.mktemp("closed")
    with Gallery(
        folder,
        **KEYS,
        signing__required=True,
        freshness=servers.FRESHNESS,
        constraints__max_width=90,
    ) as running:
        running.client.put_in("cat", pictures.jpeg())
        running.client.put_in(NAME, pictures.jpeg())
        yield running


@pytest.fixture(scope="module")
def rolling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """A server that asks for signatures of originals alone."""
    with Gallery(tmp_path_factory.mktemp("rolling"), **KEYS, originals__public=False) as running:
        running.client.put_in("cat", pictures.jpeg())
        yield running


def sign(target: str, life: int | None = None, key: str = KEY) -> str:
    """A target that is signed, for `life` seconds from now."""
    return signing.sign(target, key, None if life is None else int(time.time()) + life)


@contextlib.contextmanager
def later(server: servers.Running, seconds: float) -> Iterator[None]:
    """The server takes it to be later by that."""
    with servers.replaced(
        server.components.site.request_parser, "_clock", lambda: time.time() + seconds
    ):
        yield


def max_age(answer: httpx.Response) -> int:
    """The seconds that an answer may be kept for."""
    return int(answer.headers["Cache-Control"].rpartition("max-age=")[2])


@pytest.mark.parametrize("target", ["/cat_20_0.jpg", "/cat.jpg", "/cat", "/cat.webp", "/cat.json"])
def test_every_picture_needs_a_signature(closed: Gallery, target: str) -> None:
    """A right one, by any of the keys, that has not ended; HEAD says what GET says."""
    wrong = sign(target)[:-2] + "xx"
    bad_end = sign(f"{target}?exp=soon")
    refused = [target, wrong, f"{target}?sig=", bad_end, sign(target, -1), sign(target, 0, "no")]
    refused.append(sign(target + "?proxy=true").replace("proxy=true", "proxy=false"))
    for address in [*refused, *refused]:
        for method in ("GET", "HEAD"):
            answer = closed.client.request(method, address)
            assert answer.status_code == 403
            assert answer.headers["Cache-Control"] == "no-store"
        assert closed.client.get(address).json()["code"] == "signature_refused"
    for address in (sign(target), sign(target, 60), sign(target, 60, OLD)):
        for method in ("GET", "HEAD", "GET"):
            assert closed.client.request(method, address).status_code == 200


def test_the_zeroth_second_is_long_past(closed: Gallery) -> None:
    """An `exp` of 0 is an end like any other, not the lack of one."""
    address = signing.sign("/cat_20_0.jpg", KEY, 0)
    for _ in range(2):
        assert closed.client.get(address).status_code == 403


def test_pictures_of_vip_need_one_too(closed: Gallery) -> None:
    """Whole and scaled; uploading needs what it always needed."""
    path = closed.put(pictures.jpeg())
    for target in (path, f"{path}?s=20", f"{path}?s=20&c=true"):
        for method in ("GET", "HEAD"):
            assert closed.client.request(method, target).status_code == 403
            assert closed.client.request(method, sign(target, 60)).status_code == 200
    address = sign(f"{path}?s=20", 60)
    for other in ("s=2%30", "s=21", "s=20&c=true", "c=true&s=20"):
        expected = 200 if other == "s=2%30" else 403
        assert closed.client.get(address.replace("s=20", other)).status_code == expected
    assert buckets.size_of(closed.get(address.replace("s=20", "s=%32%30"))) == (20, 15)


@pytest.mark.parametrize(
    ("target", "unsigned", "signed"),
    [
        ("/cat_0_0.jpg", 400, 400),
        ("/cat_20_0.jpg?fit=wide", 400, 400),
        ("/cat_20_0.jpg?fit=%zz", 400, 0),
        ("/nothing_20_0.jpg", 403, 404),
        ("/nothing.json", 403, 404),
        ("/elsewhere/id", 403, 404),
        ("/pics/nothing", 403, 404),
        ("/pics/%2f", 400, 400),
        ("/cat_900_0.jpg", 403, 307),
    ],
)
def test_nothing_but_the_syntax_is_checked_before(
    closed: Gallery, target: str, unsigned: int, signed: int
) -> None:
    """400, 403, 404, 307: without a signature nobody learns what there is."""
    for method in ("GET", "HEAD"):
        assert wire.ask(closed.port, target, method).status == unsigned
        if signed:
            assert wire.ask(closed.port, sign(target), method).status == signed


def test_other_routes_need_none(closed: Gallery) -> None:
    """What is no picture has its own ways to tell who may."""
    for path in ("/_health", "/_live", "/ping", "/robots.txt"):
        assert closed.client.get(path).status_code == 200


def test_a_redirect_to_the_bounds_is_signed_again(closed: Gallery) -> None:
    """By the key that signs, for as long, and it is followed."""
    address = sign("/cat_900_450.jpg?fit=crop&quality=30", 500, OLD)
    exp = signing.read(address).ends
    for method in ("GET", "HEAD"):
        answer = closed.client.request(method, address)
        assert answer.status_code == 307
        place = answer.headers["Location"]
        assert place.startswith("/cat_90_45.jpg?fit=crop&quality=30&exp=")
        assert (signing.read(place).ends, place.count("sig=")) == (exp, 1)
        assert signing.read(place).opened_by([KEY])
        assert max_age(answer) <= 500
        assert closed.client.get(place).status_code == 200


def test_a_signed_answer_is_the_bytes(closed: Gallery) -> None:
    """A redirect would lead to an address that opens for ever, to anyone."""
    address = sign("/cat_21_0.jpg")
    made = closed.client.get(address)
    closed.published()
    for cache in ("HIT-MEMORY", "HIT"):
        if cache == "HIT":
            closed.let_go()
        again = closed.client.get(address)
        assert (again.status_code, again.headers["X-Cache"]) == (200, cache)
        assert again.content == made.content


def test_the_embedded_store_is_closed_with_the_rest(closed: Gallery, rolling: Gallery) -> None:
    """Nothing leads to `/_renditions/` any more, so nobody needs to get in."""
    for server, status in ((closed, 404), (rolling, 200)):
        server.client.get(sign("/cat_22_0.jpg"))
        server.published()
        (file,) = (server.data / "renditions").rglob("22x0-*")
        for method in ("GET", "HEAD", "GET"):
            answer = server.client.request(
                method, f"/_renditions/cat/{file.parent.name}/{file.name}"
            )
            assert answer.status_code == status


@pytest.mark.parametrize(
    ("path", "gravity"),
    [
        ("/%C3%A9t%C3%A9%20~a%2Bb_20_0.jpg", "0.1,0.5"),
        ("/%c3%a9t%c3%a9%20%7ea+b_20_0.jpg", "0.1%2c0.5"),
        ("/\xc3\xa9t\xc3\xa9%20~a%2bb%5F20_0%2Ejpg", "%30.1,0.5"),
    ],
)
def test_a_proxy_may_spell_the_address_in_its_own_way(
    closed: Gallery, path: str, gravity: str
) -> None:
    """Path and values are compared decoded; parameters in any order, with others between."""
    address = sign(f"{PATH}_20_0.jpg?fit=crop&gravity=0.1,0.5", 60)
    fit, _, exp, sig = address.partition("?")[2].split("&")
    spelled = f"{path}?{sig}&gravity={gravity}&utm=x&{exp}&{fit}"
    reply = wire.ask(closed.port, spelled)
    assert (reply.status, reply.headers["content-type"]) == (200, "image/jpeg")
    for changed in (spelled.replace("20_0", "21_0"), spelled.replace("0.5", "0.6"), f"/x{spelled}"):
        assert wire.ask(closed.port, changed).status == 403


def test_no_answer_is_kept_beyond_the_end(closed: Gallery) -> None:
    """200 of every kind and 304, by `Cache-Control` and by `Expires`."""
    vip = closed.put(pictures.jpeg())
    targets = ["/cat_23_0.jpg", "/cat.jpg", "/cat.json", "/cat_24_0.auto", vip, f"{vip}?s=20"]
    for target in targets:
        address = sign(target, 50)
        for method in ("GET", "GET", "HEAD"):
            answer = closed.client.request(method, address)
            assert answer.status_code == 200
            assert 0 <= max_age(answer) <= 50
            if "Expires" in answer.headers:
                ends = parsedate_to_datetime(answer.headers["Expires"]).timestamp()
                assert ends <= (signing.read(address).ends or 0)
        if "ETag" in answer.headers:
            same = closed.get(address, If_None_Match=answer.headers["ETag"])
            assert same.status_code == 304
            assert max_age(same) <= 50


def test_without_an_end_an_answer_is_kept_as_ever(closed: Gallery) -> None:
    """And one that ends late no longer than that."""
    vip = closed.put(pictures.jpeg())
    for life in (None, 400_000_000):
        for target, age in (("/cat_25_0.jpg", 86_400), ("/cat.json", 60), (vip, 31_536_000)):
            assert max_age(closed.client.get(sign(target, life))) == age


def test_an_address_ends_while_it_is_in_memory(closed: Gallery) -> None:
    """Verified once and remembered, its end is looked at each time; also through Tornado."""
    address = sign("/cat_26_0.jpg", 600)
    vip = sign(closed.put(pictures.jpeg()), 600)
    for each in (address, vip, sign("/cat.json", 600)):
        closed.client.get(each)
        assert closed.client.get(each).status_code == 200
        with later(closed, 601):
            for method in ("GET", "HEAD"):
                assert closed.client.request(method, each).status_code == 403
            assert "expired" in closed.client.get(each).json()["error"]
        assert closed.client.get(each).status_code == 200
    assert closed.client.get(address).headers["X-Cache"] == "HIT-MEMORY"


def test_an_address_is_verified_once(closed: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows costs a look into a table."""
    verified: list[str] = []
    opened_by = signing.Sealed.opened_by

    def counted(self: signing.Sealed, keys: tuple[str, ...]) -> bool:
        verified.append(self.text)
        return opened_by(self, keys)

    monkeypatch.setattr(signing.Sealed, "opened_by", counted)
    address = sign("/cat_27_0.jpg", 600)
    for _ in range(5):
        assert closed.client.get(address).status_code == 200
    assert len(verified) == 1


def test_rendering_anew_needs_a_signature_too(closed: Gallery) -> None:
    """`Freshness-Token` is no way around it."""
    fresh = {"Freshness-Token": servers.FRESHNESS}
    assert closed.client.get("/cat_28_0.jpg", headers=fresh).status_code == 403
    answer = closed.client.get(sign("/cat_28_0.jpg"), headers=fresh)
    assert (answer.status_code, answer.headers["X-Cache"]) == (200, "BYPASS")


def test_while_it_is_rolled_out_a_signature_is_verified_where_there_is_one(
    rolling: Gallery,
) -> None:
    """Without one, all is as it was; a wrong one is refused, a right one answered with bytes."""
    rolling.client.get("/cat_20_0.jpg")
    rolling.published()
    assert rolling.client.get("/cat_20_0.jpg").status_code == 303
    assert rolling.client.get("/cat_20_0.jpg?exp=1").status_code == 303
    for _ in range(2):
        assert rolling.client.get("/cat_20_0.jpg?sig=wrong").status_code == 403
        assert rolling.client.get(sign("/cat_20_0.jpg", -1)).status_code == 403
        assert rolling.client.get(sign("/cat_20_0.jpg")).status_code == 200


def test_originals_that_are_not_public_are_opened_by_a_signature(rolling: Gallery) -> None:
    """Stored, converted, their facts, and whole pictures of vip."""
    vip = rolling.put(pictures.jpeg())
    for target in ("/cat.jpg", "/cat", "/cat.webp", "/cat.json", vip):
        for method in ("GET", "HEAD", "GET"):
            assert rolling.client.request(method, target).status_code == 404
            assert rolling.client.request(method, sign(target)).status_code == 200
            assert rolling.client.request(method, target).status_code == 404
        assert rolling.client.get(f"{target}?sig=x").status_code == 403
    assert rolling.client.get(f"{vip}?s=20").status_code == 200


def test_without_keys_a_signature_means_nothing(bare: servers.Running, name: str) -> None:
    """As it was before there were any; a redirect repeats it."""
    bare.client.put_in(name, pictures.jpeg())
    assert bare.client.get(f"/{name}_20_0.jpg?sig=x&exp=1").status_code == 200
    place = bare.client.get(f"/{name}_9000_0.jpg?sig=x&exp=1").headers["Location"]
    assert place.endswith("?sig=x&exp=1")


@s3worlds.needs_moto
def test_presigned_redirects_end_with_the_signature(
    launch: Callable[..., servers.Running],
) -> None:
    """With `presign` a signed address is redirected: the link ends by itself, too."""
    with World("moto").place() as place:
        server = launch(
            **KEYS,
            signing__required=True,
            delivery="presign",
            aws__bucket=place.bucket,
            aws__endpoint_url=place.server.address,
            aws__access_key=s3worlds.ACCESS_KEY,
            aws__secret_key=s3worlds.SECRET_KEY,
            aws__region="us-east-1",
        )
        server.client.put_in("cat", pictures.jpeg())
        address, lasting = sign("/cat_20_0.jpg", 100), sign("/cat_20_0.jpg")
        made = server.client.get(address)
        server.published()
        found = [redirect(server, address), redirect(server, lasting)]
        assert [max_age(each) <= 100 for each in found] == [True, False]
        assert max_age(found[1]) == 1800
        assert all(each.headers["Cache-Control"].startswith("private") for each in found)
        assert urlsplit(found[0].headers["Location"]).path.startswith(f"/{place.bucket}/")
        assert httpx.get(found[0].headers["Location"], trust_env=False).content == made.content
        with later(server, 101):
            assert server.client.get(address).status_code == 403
            assert server.client.get(lasting).status_code == 303
        proxied = server.client.get(sign("/cat_20_0.jpg?proxy=true"))
        assert (proxied.status_code, proxied.content) == (200, made.content)
        assert server.client.get("/cat_20_0.jpg").status_code == 403


def redirect(server: servers.Running, address: str) -> httpx.Response:
    """The answer once it is a redirect: until the store is known to be well it is bytes."""

    def found() -> httpx.Response | None:
        answer = server.client.get(address)
        return answer if answer.status_code == 303 else None

    answer = servers.until(found)
    assert answer is not None
    return answer


def test_keys_that_cannot_protect_stop_the_start(tmp_path: Path) -> None:
    """None at all where one is needed, or one that could be tried; it is not shown."""
    with pytest.raises(errors.SettingsError, match=r"signing\.keys is empty"):
        servers.Running(tmp_path, signing__required=True)
    with pytest.raises(errors.SettingsError, match="at least 16 bytes") as caught:
        servers.Running(tmp_path, signing__keys=[KEY, "hunter2"])
    assert "hunter2" not in str(caught.value)


def test_a_signature_may_cover_the_version(rolling: Gallery) -> None:
    """And the redirect from another version is signed again."""
    answer = rolling.client.get(sign("/cat_20_0.jpg?version=00000000", 600))
    assert answer.status_code == 302
    target = answer.headers["Location"]
    assert signing.read(target).covers_all([KEY])
    followed = rolling.client.get(target)
    assert followed.status_code == 200
    assert followed.headers["Cache-Control"].startswith("public, max-age=5")  # it ends with `exp`


def test_what_a_signature_of_1_0_0_does_not_cover_is_ignored(rolling: Gallery) -> None:
    """Whoever adds a new parameter to such an address opens nothing and breaks nothing."""
    old = sign("/cat_20_0.jpg?quality=40")
    for later in ("version=00000000", "grey=maybe", "grey=true"):
        answer = rolling.client.get(f"{old}&{later}")
        assert answer.status_code == 200
        assert answer.content == rolling.client.get(old).content
