"""Cleaning whatever comes: damage of any kind leads to one error of ours or to a file."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveresize import errors
from liveresize.imaging import cleaning, libjxl, rights

from . import heics, rights_files, ultra_hdr, uploads

_EXIF = heics.exif(bytes(4) + rights_files.exif()[6:])

SEEDS = {
    "jpeg": rights_files.jpeg(progressive=True, restart_marker_blocks=2),
    "jpeg of a Pixel": ultra_hdr.pixel(),
    "jpeg of an iPhone": ultra_hdr.iphone(version=131072),
    "png": rights_files.png(),
    "webp": rights_files.webp(),
    "gif": rights_files.gif(),
    "avif": heics.avif(_EXIF, heics.xmp(rights_files.PACKET, inside=True)).data(),
    "heif": heics.File(
        (heics.grid(), *heics.tiles(), _EXIF, heics.xmp(rights_files.PACKET))
    ).data(),
}
if libjxl.load() is not None:
    SEEDS["jxl"] = rights_files.jxl()

MOST_ADDED = rights.MOST + 400
"""Bytes of rights that a file may hold compressed, and of what is around them."""


@st.composite
def damaged(draw: st.DrawFn, seed: bytes) -> bytes:
    """`seed` with some bytes changed, some put in, some taken out, and perhaps no end."""
    data = bytearray(seed)
    for _ in range(draw(st.integers(0, 6))):
        # Structure is dense at the beginning: half of the damage goes there.
        last = draw(st.sampled_from((min(400, len(data)), len(data)))) - 1
        at = draw(st.integers(0, max(0, last)))
        size = draw(st.sampled_from((0, 1, 2, 4, 100)))
        data[at : at + size] = draw(st.binary(max_size=6))
    return bytes(data[: draw(st.integers(0, len(data)) | st.just(len(data)))])


REBUILT = 1200
"""How many bytes the metadata of a gain map may be longer than it was."""


@pytest.mark.parametrize("seed", SEEDS)
@settings(deadline=2000)
@given(st.data())
def test_damage_gives_errors_of_ours_alone(seed: str, drawn: st.DataObject) -> None:
    """A damaged file is refused as unreadable, or cleaned into one that is clean."""
    data = drawn.draw(damaged(SEEDS[seed]))
    kind = seed.partition(" ")[0]
    try:
        clean = uploads.stored(kind, data, 6)
    except errors.UnreadableImage:
        return
    assert cleaning.is_clean(kind, memoryview(clean), 6)
    assert len(clean) <= len(data) + MOST_ADDED + REBUILT * (seed != kind)


@pytest.mark.parametrize("seed", [seed for seed in SEEDS if seed != "jxl"])
@settings(deadline=2000)
@given(noise=st.binary(max_size=2000))
def test_noise_gives_errors_of_ours_alone(seed: str, noise: bytes) -> None:
    """Bytes that mean nothing are unreadable, behind a true beginning as well."""
    kind = seed.partition(" ")[0]
    with pytest.raises(errors.UnreadableImage):
        uploads.cleaned(kind, noise, 1)
    try:
        uploads.cleaned(kind, SEEDS[seed][:40] + noise, 1)
    except errors.UnreadableImage:
        return
