"""What is answered otherwise than by Live Image Resize on purpose: rows U8, U17, U22, U23, U25."""

import io

import pytest
from PIL import Image
from web import pictures, servers


def opened(web: servers.Client, target: str) -> Image.Image:
    """The picture that a URL leads to."""
    answer = web.get(target, follow_redirects=True)
    assert answer.status_code == 200
    return Image.open(io.BytesIO(answer.content))


@pytest.fixture(scope="module")
def picture(server: servers.Running) -> str:
    """The path of a picture of 120x80."""
    server.client.put_in("kept", pictures.encoded(pictures.gradient(120, 80), "JPEG"))
    return "/kept"


@pytest.fixture(scope="module")
def film(server: servers.Running) -> str:
    """The path of an animated GIF."""
    still, other = Image.new("P", (60, 40), 3), pictures.gradient(60, 40).convert("P")
    data = pictures.encoded(still, "GIF", save_all=True, append_images=[other], duration=100)
    server.client.put_in("film", data)
    return "/film"


@pytest.mark.parametrize(("query", "frames"), [("", 2), ("?animate=false", 1)])
def test_u8_a_webp_of_a_film_moves(web: servers.Client, film: str, query: str, frames: int) -> None:
    """Unless only its first frame is asked for, which is what there is of it there."""
    assert getattr(opened(web, f"{film}_30_0.webp{query}"), "n_frames", 1) == frames


def test_u17_cover_ends_at_the_bounds(web: servers.Client, picture: str) -> None:
    """307 to the long side at the bound, where 2250x1500 was rendered there."""
    answer = web.get(f"{picture}_1500_1500.jpg?fit=cover")
    assert (answer.status_code, answer.headers["Location"]) == (
        307,
        f"{picture}_2000_0.jpg?fit=cover",
    )


@pytest.mark.parametrize("sigma", ["1", "5"])
def test_u22_blur_takes_a_sigma(web: servers.Client, picture: str, sigma: str) -> None:
    """It is a rendition of its own; `blur=true` is that of the setting."""
    etags = {
        web.get(f"{picture}_60_0.png?blur={value}", follow_redirects=True).headers["ETag"]
        for value in (sigma, "true", "false")
    }
    assert len(etags) == 3


def test_u23_a_quality_of_0_is_the_lowest(web: servers.Client, picture: str) -> None:
    """`auto` and -1 are automatic."""
    sizes = [
        len(web.get(f"{picture}_110_0.jpg?quality={value}", follow_redirects=True).content)
        for value in ("0", "-1", "auto")
    ]
    assert sizes[0] < sizes[1] == sizes[2]


def test_u25_a_canvas_is_white(web: servers.Client, name: str) -> None:
    """Of a GIF, too, whatever its palette has."""
    web.put_in(name, pictures.encoded(Image.new("P", (60, 20), 7), "GIF"))
    for kind in ("gif", "png", "jpg"):
        canvas = opened(web, f"/{name}_40_40.{kind}?fit=canvas").convert("RGB")
        assert canvas.getpixel((2, 2)) == (255, 255, 255), kind
