"""The messages of webhooks, and the settings that say who gets which."""

import json
from typing import Any

import pytest

from liveresize.core.events import Event, Kind
from liveresize.core.names import ImageId
from liveresize.notifications import messages
from liveresize.settings.backends import EVENTS, Webhook

DOCUMENT = {
    "id": "cat",
    "bucket": "pets",
    "version": "89abcdef",
    "state": "public",
    "width": 4,
    "height": 3,
    "format": "png",
    "bytes": 9,
    "sha256": "5" * 64,
    "dominant_color": "#aabbcc",
    "thumbhash": "AQID",
    "focus": None,
    "meta": None,
    "uploaded_at": "2026-11-30T12:00:00Z",
}


def event(kind: Kind = Kind.UPLOADED, serial: int = 7) -> Event:
    """An event of one picture."""
    return Event(
        serial=serial,
        at=1_000.0,
        kind=kind,
        image=ImageId("cat", "pets"),
        generation="0" * 28,
        document=DOCUMENT,
    )


def test_the_settings_list_every_event() -> None:
    """The sections know none of the code that sends them."""
    assert (messages.UPLOAD, *(kind.value for kind in Kind)) == EVENTS


@pytest.mark.parametrize("kind", Kind)
def test_a_receiver_is_told_of_the_kinds_that_it_names(kind: Kind) -> None:
    """And upload.complete stands for both kinds of uploads."""
    assert messages.kinds([kind.value]) == {kind}
    assert messages.name(event(kind), [kind.value, messages.UPLOAD]) == kind.value
    uploads = {Kind.UPLOADED, Kind.REPLACED}
    assert messages.kinds([messages.UPLOAD]) == uploads
    assert messages.kinds([messages.UPLOAD, kind.value]) == uploads | {kind}


def test_the_message_of_an_upload_is_that_of_1_0_0() -> None:
    """To the order of its fields; its id is that of the upload, whatever the event's serial."""
    told = json.loads(messages.body(event(), messages.UPLOAD))
    fields = ("id", "bucket", "width", "height", "format", "bytes", "sha256", "uploaded_at")
    assert list(told) == ["event", "delivery", *fields]
    assert told["event"] == "upload.complete"
    assert messages.delivery(event(serial=8), messages.UPLOAD) == told["delivery"]


def test_other_messages_have_all_that_is_known() -> None:
    """Each change has an id and a place in the order of its own."""
    told = json.loads(messages.body(event(Kind.CHANGED), "picture.changed"))
    assert told["sequence"] == 7
    assert {key: told[key] for key in DOCUMENT} == DOCUMENT
    deliveries = {
        messages.delivery(event(kind, serial), kind.value) for kind in Kind for serial in (7, 8)
    }
    assert len(deliveries) == 2 * len(Kind)


GOOD: dict[str, Any] = {
    "url": "https://search.example.com",
    "secrets": ["a long random text"],
    "events": ["picture.deleted"],
}


def test_endpoints_come_after_the_webhook_of_the_url() -> None:
    """Which has no name, and is there only with a URL."""
    only = Webhook(endpoints={"search": GOOD})
    assert [each.name for each in only.receivers] == ["search"]
    both = Webhook(url="https://app.example.com", endpoints={"search": GOOD})
    assert [each.name for each in both.receivers] == ["", "search"]
    assert both.receivers[0].events == ("upload.complete",)


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("a b", GOOD, "no name"),
        ("", GOOD, "no name"),
        ("x", {**GOOD, "url": ""}, "`url`"),
        ("x", {**GOOD, "url": "ftp://x"}, "`url`"),
        ("x", {**GOOD, "url": 5}, "`url`"),
        ("x", {**GOOD, "secrets": []}, "`secrets`"),
        ("x", {**GOOD, "secrets": ["short"]}, "`secrets`"),
        ("x", {**GOOD, "secrets": "a long random text"}, "`secrets`"),
        ("x", {**GOOD, "events": []}, "`events`"),
        ("x", {**GOOD, "events": ["picture.eaten"]}, "`events`"),
        ("x", {**GOOD, "secret": "a long random text"}, "`secret`"),
    ],
)
def test_an_endpoint_that_is_not_complete_is_refused_by_its_name(
    name: str, given: dict[str, Any], words: str
) -> None:
    """In words that say what it needs."""
    with pytest.raises(ValueError, match=words):
        Webhook(endpoints={name: given}).receivers  # noqa: B018
