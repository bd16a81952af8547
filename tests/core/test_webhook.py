"""What the webhook says, and how it is signed."""

import json
import uuid

from hypothesis import given
from hypothesis import strategies as st

from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.uploads import webhook_event

GENERATION = "01a200247b74f11b3a1f5d1b5dc5"


def original(image: ImageId) -> Original:
    """An upload of New Year."""
    return Original(
        image=image,
        generation=GENERATION,
        format="jpeg",
        width=1440,
        height=960,
        bytes=58_601,
        sha256="ab" * 32,
        uploaded_at=1_767_225_600.125,
    )


def test_the_body_tells_what_was_uploaded() -> None:
    """Every field of the manual, and no bucket where there is none."""
    assert json.loads(webhook_event.body(original(ImageId("cät")))) == {
        "event": "upload.complete",
        "delivery": webhook_event.delivery(GENERATION),
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
    said = json.loads(webhook_event.body(original(ImageId("0" * 32 + "-64x48", "pics"))))
    assert (said["bucket"], said["id"]) == ("pics", "0" * 32 + "-64x48")


def test_a_delivery_is_one_uuid_for_each_generation() -> None:
    """For ever: a receiver that has seen it before an upgrade knows it afterwards."""
    assert webhook_event.delivery(GENERATION) == "4f7fb30d-111c-50e7-adb8-83a1baab4c82"
    assert uuid.UUID(webhook_event.delivery(GENERATION)).version == 5
    assert webhook_event.delivery(GENERATION) != webhook_event.delivery("0" * 28)


def test_a_signature_is_what_it_always_was() -> None:
    """Computed with openssl: `printf '%s' '1767225600.{}' | openssl dgst -sha256 -hmac …`."""
    assert webhook_event.signature(["a secret of sixteen"], 1_767_225_600, b"{}") == (
        "t=1767225600,v1=380bf99cb1eae27efbea16fdac11cdfa04f47bf0e6407beece755543131780ec"
    )


@given(st.text(min_size=1), st.text(min_size=1), st.integers(0, 1 << 40), st.binary())
def test_each_secret_signs_for_itself(old: str, new: str, at: int, body: bytes) -> None:
    """While two are in use, a message has the mark of either, in their order."""
    both = webhook_event.signature([new, old], at, body)
    (time, first), (_, second) = (
        webhook_event.signature([s], at, body).split(",") for s in (new, old)
    )
    assert both == f"{time},{first},{second}"
