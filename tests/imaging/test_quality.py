"""`quality=auto`: what the tables of well-known encoders are taken for."""

import pytest

from liveresize.imaging import quality

KNOWN = [
    (
        "Apple iPhone 11",
        """
        020202030405060702020203040506070202030405060709030204050607090a
        0404050607090a0c05050607090a0c0c060607090a0c0c0c0707090a0c0c0c0c
        """,
        94,
    ),
    (
        "Apple iPhone 13 mini",
        """
        0101010203040506010101020304050601010203040506070202030405060708
        0303040506070809040405060708090905050607080909090606070809090909
        """,
        96,
    ),
    (
        "Google Pixel 6",
        """
        0303010101030708040504040406080a020404040507090a010404050708090a
        0103050708090b0c030607090b0b0c0b060708090b0c0c0b08070708090a0b0a
        """,
        94,
    ),
    (
        "Canon EOS 1300D",
        """
        0101010101020303010101010103030301010101020303030101010203040403
        0101020303050504010203030405050402030404050606050404050505050505
        """,
        98,
    ),
    (
        "Nikon Transfer",
        """
        05040305080d10140404040608131312040405080d12161204050709101c1a14
        06070c1216232119080b12141a21241d1014191c21272620171d1e1f24202120
        """,
        84,
    ),
    (
        "Adobe Photoshop CS2",
        """
        06040406090b0c1004050506080a0c0c040505060a0c0c0c0606060b0c0c0c0c
        09080a0c0c0c0c0c0b0a0c0c0c0c0c0c0c0c0c0c0c0c0c0c100c0c0c0c0c0c0c
        """,
        91,
    ),
    (
        "Adobe Photoshop CS6, maximum",
        """
        0101010101010102010101010101010201010101010102020101010101020203
        0101010102020303010101020203030301010202030303030202020303030303
        """,
        99,
    ),
    (
        "Adobe Lightroom 5.5, maximum",
        """
        0101010101010101010101010101010101010101010101010101010101020201
        0101010101020202010101010202020201010202020202020102020202020202
        """,
        99,
    ),
    (
        "GIMP 2.10",
        """
        020202020304050602020202030405060202020204050709020202040507090c
        03030405080a0c0c040405070a0c0c0c050507090c0c0c0c0606090c0c0c0c0c
        """,
        94,
    ),
]


@pytest.mark.parametrize(("encoder", "table", "level"), KNOWN, ids=[name for name, *_ in KNOWN])
def test_known_encoders(encoder: str, table: str, level: int) -> None:
    """A camera's or a program's own luminance table is placed where libjpeg comes nearest."""
    steps = list(bytes.fromhex(table))
    assert len(steps) == 64, encoder
    assert quality.estimate({0: steps, 1: steps}) == level


def test_every_level_of_libjpeg() -> None:
    """Tables scaled by libjpeg's rule give the level they were made for."""
    plain = [step for row in quality.LUMINANCE for step in row]
    for level in range(1, 101):
        percent = 5000 // level if level < 50 else 200 - 2 * level
        steps = [min(255, max(1, (step * percent + 50) // 100)) for step in plain]
        found = quality.estimate({0: steps})
        assert found is not None
        assert quality.table_sum(found) == quality.table_sum(level)
