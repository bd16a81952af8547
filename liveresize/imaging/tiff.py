"""What Pillow makes wrong of TIFF: it takes planes of 16 bits for planes of 8, and heeds XMP."""

from PIL import Image, ImageFile, TiffImagePlugin

from liveresize import errors

BITS, PLANAR = TiffImagePlugin.BITSPERSAMPLE, TiffImagePlugin.PLANAR_CONFIGURATION

SEPARATE = 2
"""The value of PLANAR for channels in planes."""

REFUSED = (
    "This TIFF stores its channels in separate planes in a way that is not supported. "
    "Save it with interleaved channels."
)


def settle(image: Image.Image) -> None:
    """Let Pillow read an opened TIFF as it is stored, before it is decoded.

    XMP would turn it where EXIF says nothing, and is dropped. Raises UnreadableImage for
    planes that Pillow has no way to read rightly.
    """
    assert isinstance(image, TiffImagePlugin.TiffImageFile)
    image.info.pop("xmp", None)
    if image.tag_v2.get(PLANAR) != SEPARATE:
        return
    raw = image.tile[0].codec_name == "raw"
    deep = 16 in image.tag_v2.get(BITS, ())
    if image.mode == "LA" or (image.mode == "CMYK" and deep and raw):
        raise errors.UnreadableImage(REFUSED, f"planes of {image.mode}")
    if not (raw and deep):
        return
    order = "L" if image.tag_v2.prefix == b"II" else "B"
    if image.mode.startswith("I;16"):
        image.tile = [_read_as(tile, image.mode) for tile in image.tile]
        return
    # Planes of other channels say nothing that shows.
    image.tile = [
        _read_as(tile, f"{_channel(tile)};16{order}")
        for tile in image.tile
        if _channel(tile) in image.mode
    ]


def _channel(tile: ImageFile._Tile) -> str:
    """The channel that Pillow takes a tile for."""
    assert isinstance(tile.args, tuple)
    return str(tile.args[0])


def _read_as(tile: ImageFile._Tile, layout: str) -> ImageFile._Tile:
    """`tile` with another layout of its bytes."""
    assert isinstance(tile.args, tuple)
    return tile._replace(args=(layout, *tile.args[1:]))
