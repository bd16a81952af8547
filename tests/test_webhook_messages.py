"""The message about an upload that 1.0.0 sends, to the byte, and how messages are signed."""

import json
import uuid

from hypothesis import given
from hypothesis import strategies as st

from liveresize.core.events import Event, Kind, describe
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.notifications import messages
from liveresize.notifications.messages import UPLOAD

GENERATION = "01a200247b74f11b3a1f5d1b5dc5"


def upload(image: ImageId, generation: str = GENERATION) -> Event:
    """An upload of New Year."""
    original = Original(
        image=image,
        generation=generation,
        format="jpeg",
        width=1440,
        height=960,
        bytes=58_601,
        sha256="ab" * 32,
        uploaded_at=1_767_225_600.125,
    )
    return Event(
        serial=1,
        at=original.uploaded_at,
        kind=Kind.UPLOADED,
        image=image,
        generation=generation,
        document=describe(original),
    )


def test_the_body_tells_what_was_uploaded() -> None:
    """Every field of the manual, and no bucket where there is none."""
    assert json.loads(messages.body(upload(ImageId("cät")), UPLOAD)) == {
        "event": "upload.complete",
        "delivery": "4f7fb30d-111c-50e7-adb8-83a1baab4c82",
        "id": "cät",
        "width": 1440,
        "height": 960,
        "format": "jpeg",
        "bytes": 58_601,
        "sha256": "ab" * 32,
        "uploaded_at": "2026-01-01T00:00:00.125Z",
    }


def test_the_body_of_a_bucket_s_picture_names_the_bucket() -> None:
    """Beside the id, which alone would not do."""
    said = json.loads(messages.body(upload(ImageId("0" * 32 + "-64x48", "pics")), UPLOAD))
    assert (said["bucket"], said["id"]) == ("pics", "0" * 32 + "-64x48")


def test_a_delivery_is_one_uuid_for_each_generation() -> None:
    """For ever: a receiver that has seen it before an upgrade knows it afterwards."""
    delivery = messages.delivery(upload(ImageId("cat")), UPLOAD)
    assert delivery == "4f7fb30d-111c-50e7-adb8-83a1baab4c82"
    assert uuid.UUID(delivery).version == 5
    assert delivery != messages.delivery(upload(ImageId("cat"), "0" * 28), UPLOAD)


def test_a_signature_is_what_it_always_was() -> None:
    """Computed with openssl: `printf '%s' '1767225600.{}' | openssl dgst -sha256 -hmac …`."""
    assert messages.signature(["a secret of sixteen"], 1_767_225_600, b"{}") == (
        "t=1767225600,v1=380bf99cb1eae27efbea16fdac11cdfa04f47bf0e6407beece755543131780ec"
    )


@given(st.text(min_size=1), st.text(min_size=1), st.integers(0, 1 << 40), st.binary())
def test_each_secret_signs_for_itself(old: str, new: str, at: int, body: bytes) -> None:
    """While two are in use, a message has the mark of either, in their order."""
    both = messages.signature([new, old], at, body)
    (time, first), (_, second) = (messages.signature([s], at, body).split(",") for s in (new, old))
    assert both == f"{time},{first},{second}"
