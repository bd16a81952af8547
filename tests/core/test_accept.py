"""What an `Accept` header says about AVIF and WebP."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveresize.core import accept
from liveresize.core.formats import Negotiated

from . import strategies

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
SAFARI = "image/webp,image/avif,video/*;q=0.8,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"

NEGOTIATIONS = [
    ("", "auto.n"),
    ("*/*", "auto.n"),
    ("image/*", "auto.n"),
    ("image/jpeg,image/png", "auto.n"),
    ("text/html", "auto.n"),
    (CHROME, "auto.aw"),
    (SAFARI, "auto.aw"),
    ("image/webp,*/*;q=0.8", "auto.w"),
    ("image/avif", "auto.a"),
    ("IMAGE/WebP , */*", "auto.w"),
    ("image/webp;q=0", "auto.n"),
    ("image/webp;q=0.000,image/avif", "auto.a"),
    ("image/avif;q=0,image/webp;q=0,*/*", "auto.n"),
    ("image/avif;q=0.9,image/webp", "auto.w"),
    ("image/avif,image/webp;q=0.9", "auto.aw"),
    ("image/avif;q=0.5,image/jpeg", "auto.n"),
    ("image/avif;q=0.5,image/jpeg;q=0.5", "auto.a"),
    ("image/webp;q=0.5,*/*;q=0.8", "auto.n"),
    ("image/webp;q=0.5,image/*;q=0.4,*/*;q=0.8", "auto.w"),
    ("image/webp;q=nonsense", "auto.w"),
    ("image/webp;level=1;q=0.3", "auto.w"),
    ("image/webp; Q = 0", "auto.n"),
    ("image/webp;q=0,image/webp", "auto.n"),
    (",,;,image/webp,", "auto.w"),
]


@pytest.mark.parametrize(("header", "token"), NEGOTIATIONS)
def test_auto_takes_what_the_client_likes_at_least_as_well_as_jpeg(header: str, token: str) -> None:
    """q-values are honoured, a wildcard is no promise, and 0 is a refusal."""
    assert accept.negotiate(header).token == token


@pytest.mark.parametrize(
    ("header", "offered"),
    [
        ("", False),
        ("*/*", False),
        ("image/*", False),
        ("image/webp", True),
        ("image/webp;q=0.001", True),
        ("image/webp;q=0", False),
        ("image/webp;q=0.0", False),
        ("image/webpx", False),
        (CHROME, True),
    ],
)
def test_webp_is_offered_only_by_its_own_name(header: str, offered: bool) -> None:
    """Browsers without WebP send wildcards too, so those do not count."""
    assert accept.offers(header, "image/webp") is offered


@pytest.mark.parametrize(
    ("header", "html"),
    [
        ("", False),
        ("*/*", False),
        ("text/*", False),
        (CHROME, False),
        ("text/html", True),
        ("Text/HTML;charset=utf-8, */*", True),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", True),
        ("text/html,application/json;q=0.9", True),
        ("text/html,application/json", False),
        ("application/json, text/plain, */*", False),
        ("text/html;q=0.5, */*;q=0.1", True),
        ("text/html;q=0.5, */*", False),
        ("image/avif,text/html;q=0.9", False),
        ("text/html;q=0", False),
    ],
)
def test_html_is_preferred_by_pages_only(header: str, html: bool) -> None:
    """Images of pages, scripts and programs send wildcards, or name something else first."""
    assert accept.prefers_html(header) is html


@pytest.mark.parametrize("wanted", strategies.ACCEPT)
def test_every_outcome_of_a_negotiation_can_be_asked_for(wanted: Negotiated) -> None:
    """There is a header for each of the four, so none of the variants is dead."""
    assert accept.negotiate(strategies.ACCEPT[wanted]) == wanted


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("image/jxl,image/avif,image/webp,*/*;q=0.8", "auto.jaw"),
        ("image/jxl;q=0.9,image/avif,*/*;q=0.8", "auto.a"),
        ("image/jxl;q=0.9,image/webp,*/*;q=0.8", "auto.w"),
        ("image/jxl;q=0.9,image/avif;q=0.9,*/*;q=0.8", "auto.ja"),
        ("image/jxl;q=0.5,*/*", "auto.n"),
        ("image/jxl;q=0,image/webp", "auto.w"),
        ("image/jxl", "auto.j"),
        ("image/avif;q=0.1,image/jxl,*/*;q=0.5", "auto.j"),
        ("*/*", "auto.n"),
    ],
)
def test_jpeg_xl_is_offered_only_where_it_is_on(header: str, token: str) -> None:
    """Nothing that is liked better may be there, and without the setting it is not looked at."""
    found = accept.negotiate(header, jxl=True)
    assert found.token == token
    assert accept.negotiate(header) == replace(found, jxl=False)


@given(
    st.text() | st.lists(st.sampled_from([*"=;, q01.", "image/avif", "image/webp"])).map("".join)
)
def test_no_header_is_an_error(header: str) -> None:
    """Whatever a client sends as `Accept`, there is an answer, and weights are 0–1."""
    accept.negotiate(header)
    accept.prefers_html(header)
    assert all(0.0 <= weight <= 1.0 for weight in accept.weights(header).values())
