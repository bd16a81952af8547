"""Signatures cover what an address means, and nothing of how it happens to be spelled."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveresize import errors
from liveresize.compat.vip import requests as vip
from liveresize.compat.vip.requests import VipRules
from liveresize.core import parameters, signing, urls
from liveresize.core.operation import UrlRules

from . import strategies

PRESETS = UrlRules(presets={"thumb": (("fit", "crop"),)})
KEY, OTHER = "correct horse battery", "staple of another"
MANUAL = (Path(__file__).parents[2] / "docs" / "signing.md").read_text()
VECTORS = re.findall(r"^\| `(/[^`]*)` \| `([^`]*)` \| `([^`]*)` \|$", MANUAL, re.MULTILINE)

values = st.text(st.characters(codec="utf-8", exclude_characters="&#"), min_size=1, max_size=12)
known = st.sampled_from([name for name in parameters.KNOWN if name not in ("sig", "exp")])
queries = st.dictionaries(known, values, max_size=5)
instants = st.none() | st.integers(0, 10**12 - 1)


def target(name: str, query: dict[str, str]) -> str:
    """A target as a careful client writes it."""
    pairs = "&".join(f"{each}={quote(value, safe='')}" for each, value in query.items())
    return f"/{quote(name, safe='')}_8_6.jpg" + (f"?{pairs}" if pairs else "")


def opens(address: str, *keys: str) -> bool:
    """Whether the signature of an address is right by one of the keys."""
    return signing.read(address).opened_by(keys or (KEY,))


@pytest.mark.parametrize(("address", "text", "sig"), VECTORS)
def test_the_vectors_of_the_manual_hold(address: str, text: str, sig: str) -> None:
    """Whoever signs in another language checks against these."""
    assert signing.read(address).text == text
    assert signing.signature(text, KEY) == sig
    assert opens(f"{address}{'&' if '?' in address else '?'}sig={sig}")


def test_the_manual_has_vectors() -> None:
    """A table that is spelled another way would test nothing."""
    assert len(VECTORS) >= 7


@given(strategies.picture_names, queries, instants)
def test_the_program_of_the_manual_signs_as_we_do(
    name: str, query: dict[str, str], exp: int | None
) -> None:
    """Six lines of any language are enough."""
    (program,) = re.findall(r"```python\n(.*?)```", MANUAL, re.DOTALL)
    namespace: dict[str, Callable[[str, str, dict[str, str]], str]] = {}
    exec(program, namespace)
    given = query if exp is None else {**query, "exp": str(exp)}
    assert opens(namespace["signed"](KEY, f"/{name}_8_6.jpg", given))


@given(strategies.picture_names, queries, instants)
def test_what_is_signed_verifies(name: str, query: dict[str, str], exp: int | None) -> None:
    """By its key, beside others, and by no other; `exp` comes back as it went in."""
    address = signing.sign(target(name, query), KEY, exp)
    assert opens(address)
    assert opens(address, OTHER, KEY)
    assert not opens(address, OTHER)
    assert not signing.read(address).opened_by([])
    assert signing.read(address).ends == exp


@given(strategies.picture_names, queries, instants, st.randoms(use_true_random=False))
def test_spelling_and_order_do_not_matter(
    name: str, query: dict[str, str], exp: int | None, random: object
) -> None:
    """A proxy may sort, escape what needs none, unescape what needs none, and add its own."""
    address = signing.sign(target(name, query), KEY, exp)
    path, _, raw = address.partition("?")
    pairs = [*raw.split("&"), "utm_source=mail", "SIG=x"]
    random.shuffle(pairs)  # type: ignore[attr-defined]
    moved = f"{path}?{'&'.join(pairs)}"
    escaped = re.sub(r"(?<==)[^&]*", lambda value: _all_escaped(value[0]), moved)
    lower = re.sub(r"%[0-9A-F]{2}", lambda escape: escape[0].lower(), moved)
    for spelled in (moved, escaped, lower, moved.replace("%2C", ",").replace("%3A", ":")):
        assert opens(spelled)


def _all_escaped(raw: str) -> str:
    decoded = parameters.percent_decode(raw)
    return "".join(f"%{byte:02x}" for byte in decoded.encode())


@given(strategies.picture_names, queries, known, values)
def test_a_change_of_what_is_covered_fails(
    name: str, query: dict[str, str], changed: str, value: str
) -> None:
    """Another value, a parameter more or less, another picture, size, or end."""
    address = signing.sign(target(name, query), KEY, 2_000_000_000)
    exp, sig = address.split("&")[-2:] if query else address.partition("?")[2].split("&")
    assert exp == "exp=2000000000"
    if query.get(changed) != value:
        other = f"{target(name, {**query, changed: value})}&{exp}&{sig}"
        assert not signing.read(other).covers_all([KEY])
        later = {*query, changed} - parameters.FIRST
        # What is new since 1.0.0 may be added; it is ignored then.
        assert opens(other) == (later == {changed} and changed not in query)
    for each in query:
        fewer = {other: query[other] for other in query if other != each}
        assert not opens(f"{target(name, fewer)}{'&' if fewer else '?'}{exp}&{sig}")
    assert not opens(address.replace("_8_6", "_8_7"))
    assert not opens(address.replace("/", "/x", 1))
    assert not opens(address.replace("exp=2000000000", "exp=2000000001"))
    assert not opens(address.replace("exp=2000000000&", ""))


def meaning(address: str) -> object:
    """What an address asks for, or the kind of error it ends with; `sig` aside."""
    try:
        if "/" in address.partition("?")[0][1:]:
            return vip.parse(address, VipRules(buckets=frozenset({"*"})))
        request = urls.parse(address, "image/webp", PRESETS)
    except errors.LiveResizeError as error:
        return type(error)
    if isinstance(request, urls.FactsRequest):
        return request.image
    if isinstance(request, urls.RenditionRequest):
        return request.image, request.rendition, request.extension, _said(request.sent)
    return request.image, request.format, request.webp, _said(request.parameters.sent)


def _said(pairs: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    return sorted(pair for pair in pairs if pair[0] != "sig")


vip_targets = st.builds(
    "/{}/{}?{}".format,
    st.sampled_from(["pets", "p%65ts", "_x"]),
    st.sampled_from(["0-1x1", "caf%c3%a9", "%zz", "a%2fb", "~"]),
    st.lists(
        st.sampled_from(
            [
                *("s=25", "s=%325", "s=+25", "s=%2B25", "s=%zz", "s", "c=true", "c=tru%65"),
                *("c=1", "animate=true", "exp=1", "%73=25", "s=25%00", "c=%e9"),
            ]
        ),
        max_size=3,
    ).map("&".join),
)


@given(strategies.raw_targets | vip_targets)
def test_what_is_signed_says_all_that_an_address_means(address: str) -> None:
    """The text is itself an address, of the same thing: two addresses of one text mean the
    same, and a signature never opens more than it was made for."""
    try:
        text = signing.read(address).text
    except errors.MalformedUrl:
        return  # it is refused
    if meaning(address) is not errors.BucketMissing:
        assert meaning(text) == meaning(address)


@pytest.mark.parametrize("exp", ["", "soon", "-1", "1.5", "1e9", " 1", "9" * 13, "%D9%A3", "0x1"])
def test_an_end_that_is_no_number_is_refused(exp: str) -> None:
    """As if it were wrong: nobody who signs with care makes one."""
    with pytest.raises(errors.SignatureRefused):
        _ = signing.read(f"/cat_8_6.jpg?exp={exp}").ends


def test_of_what_is_given_twice_the_first_counts() -> None:
    """As everywhere; so nothing can be changed by adding it again."""
    address = signing.sign("/cat_8_6.jpg?fit=crop&exp=5&fit=clip&exp=6", KEY)
    assert signing.read(address).ends == 5
    assert opens(address + "&fit=cover&exp=7&sig=x")
    assert not opens(address.replace("?", "?fit=clip&", 1))


def test_signing_again_replaces_what_was_signed() -> None:
    """A signature is never signed, an `exp` stays unless another is given, the rest stays."""
    once = signing.sign("/cat_8_6.jpg?v=1&fit=crop", KEY, 5)
    assert signing.sign(once, KEY) == once
    moved = signing.sign(once, KEY, 6)
    assert moved.startswith("/cat_8_6.jpg?v=1&fit=crop&exp=6&sig=")
    assert moved.count("exp=") == moved.count("sig=") == 1


def test_s_and_c_count_in_buckets_alone() -> None:
    """Elsewhere they are unknown, and anyone may add them."""
    assert not opens(signing.sign("/pets/0-1x1?s=25", KEY).replace("s=25", "s=250"))
    assert not opens(signing.sign("/pets/0-1x1?s=25", KEY) + "&c=true")
    assert opens(signing.sign("/cat_8_6.jpg", KEY) + "&s=25&c=true")


@pytest.mark.parametrize(
    ("url", "begins"),
    [
        ("https://here.test:8443/cat.jpg", "https://here.test:8443/cat.jpg?sig="),
        ("/cat.jpg?proxy=true#top", "/cat.jpg?proxy=true&sig="),
        ("http://[::1]/a?b#c", "http://[::1]/a?b&sig="),
        ("http://here.test/café ü_8_6.jpg", "http://here.test/caf%C3%A9%20%C3%BC_8_6.jpg?sig="),
    ],
)
def test_a_whole_url_may_be_signed(url: str, begins: str) -> None:
    """Of which the host is not covered: it may be had by another name of the server."""
    signed = signing.sign_url(url, KEY)
    assert signed.startswith(begins)
    assert opens(signed[signed.index("/", 8) :] if "://" in signed else signed)


@pytest.mark.parametrize("url", ["", "cat.jpg", "https://here.test", "https://here.test?x", "/%zz"])
def test_what_is_no_url_is_not_signed(url: str) -> None:
    """The server would never take it."""
    with pytest.raises(errors.MalformedUrl):
        signing.sign_url(url, KEY)
