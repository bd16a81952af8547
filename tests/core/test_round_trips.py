"""Parsing and building a URL are inverses, and no URL is an accident."""

import contextlib
from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from liveresize import errors
from liveresize.core import names, urls
from liveresize.core.formats import Format
from liveresize.core.names import ImageId
from liveresize.core.operation import UrlRules

from . import strategies

RULES = UrlRules(presets={"thumb": (("fit", "crop"), ("quality", "60"))})

COMMON_HEADERS = st.sampled_from([*strategies.ACCEPT.values(), "", "*/*"])


@given(st.data(), strategies.images, strategies.url_rules, st.booleans())
def test_a_built_url_is_parsed_as_the_rendition_it_was_built_from(
    data: st.DataObject, image: ImageId, rules: UrlRules, proxy: bool
) -> None:
    """Whatever the name and the configuration, given an `Accept` for the format."""
    rendition = data.draw(strategies.renditions(rules))
    assume(rendition.width or rendition.height)
    target = urls.build(image, rendition, rules, proxy=proxy)
    request = urls.parse(target, strategies.accept_for(rendition), rules)
    assert isinstance(request, urls.RenditionRequest)
    assert (request.image, request.rendition, request.proxy) == (image, rendition, proxy)


@given(st.data(), strategies.images, strategies.url_rules)
def test_a_rendition_at_full_size_is_built_as_an_original(
    data: st.DataObject, image: ImageId, rules: UrlRules
) -> None:
    """Without a box the URL is the original's, and it is rendered as what was built."""
    rendition = replace(data.draw(strategies.renditions(rules)), rights=rules.rights)
    rendition = rendition.boxed(0, 0).canonical()
    target = urls.build(image, rendition, rules)
    # At its own size `/a_1_2.png` is `a` at 1×2: such a name needs a box in its URL.
    assume(not names.RENDITION.fullmatch(f"{image.name}.png"))
    request = urls.parse(target, strategies.accept_for(rendition), rules)
    assert isinstance(request, urls.OriginalRequest)
    assert request.image == image
    assert request.rendition_as(Format.GIF).rendition == rendition


@given(strategies.raw_targets, COMMON_HEADERS)
def test_any_target_is_read_or_refused(target: str, accept: str) -> None:
    """Text of any kind, bytes as Latin-1 included, raises its two errors or none."""
    with contextlib.suppress(errors.MalformedUrl, errors.BadParameter):
        urls.parse(target, accept, RULES)


@given(strategies.likely_targets, COMMON_HEADERS, st.integers(1, 9999), st.integers(0, 9999))
def test_a_redirect_changes_the_box_alone(
    target: str, accept: str, width: int, height: int
) -> None:
    """The resized URL of any request is parsed as the same request in the new box."""
    try:
        request = urls.parse(target, accept, RULES)
    except errors.RequestError:
        return
    varies = False
    if isinstance(request, urls.OriginalRequest):
        # `allow_webp` never replaces AVIF, so a bare name keeps its format here; nobody
        # knows that before the original is known.
        varies = request.varies and not request.extension
        request = request.rendition_as(Format.AVIF)
    if isinstance(request, urls.FactsRequest):
        return
    again = urls.parse(urls.resized(request, width, height), accept, RULES)
    assert isinstance(again, urls.RenditionRequest)
    assert again.image == request.image
    assert (again.extension, again.sent) == (request.extension, request.sent)
    assert (again.proxy, again.varies or varies) == (request.proxy, request.varies)
    assert (again.rendition.width, again.rendition.height) == (width, height)
    # A radius of half of a box is `max`: it depends on the box.
    one, other = (
        replace(each.rendition, width=0, height=0, radius=0).canonical()
        for each in (again, request)
    )
    assert one == other


@given(strategies.likely_targets, COMMON_HEADERS)
def test_what_is_parsed_is_canonical_and_can_be_built_again(target: str, accept: str) -> None:
    """Every rendition a client can ask for has a URL of ours that means the same."""
    try:
        request = urls.parse(target, accept, RULES)
    except errors.RequestError:
        return
    if not isinstance(request, urls.RenditionRequest):
        return
    rendition = request.rendition
    assert rendition == rendition.canonical()
    assume(max(rendition.width, rendition.height) <= strategies.LARGEST_SIDE)
    again = urls.parse(urls.build(request.image, rendition, RULES), accept, RULES)
    assert isinstance(again, urls.RenditionRequest)
    assert (again.image, again.rendition) == (request.image, rendition)
