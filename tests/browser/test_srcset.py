"""The preview of a srcset says what Chromium does."""

from collections.abc import Callable

import pytest
from imaging import samples
from playwright.sync_api import expect
from web import pictures, servers

from .chromium import Visit, needs_chromium
from .studio import Studio

pytestmark = [pytest.mark.long, needs_chromium]

SIZES = ("100vw", "50vw", "320px", "(min-width: 60em) calc(33vw - 2rem), 80vw")

SCREENS = (360, 768, 1280, 1920)


def test_chromium_loads_what_the_preview_says(
    visit: Callable[..., Visit], bare: servers.Process, name: str
) -> None:
    """For every screen, density and layout; the bytes are those of the server."""
    visited = visit(bare.url)
    studio = Studio(visited, bare)
    studio.enter(secret="")
    bare.client.put_in(name, pictures.encoded(samples.scene((1650, 1100)), "JPEG"))
    studio.open(name)
    studio.field("combobox", "Format").select_option("jpg")
    studio.field("spinbutton", "Height").fill("")
    studio.shown("_800_0.jpg")
    studio.view("Srcset")
    expect(studio.page.locator("#srcset-total")).not_to_be_empty()
    weights = dict.fromkeys(("400w", "800w", "1200w", "1600w"), "")
    for row in studio.page.locator("#candidates tr").all():
        said, size, weight, _ = row.locator("th, td").all_inner_texts()
        data = studio.answer(f"/{name}_{said[:-1]}_0.jpg").content
        assert (size, weight) == (
            f"{said[:-1]} × {round(int(said[:-1]) * 2 / 3)}",
            f"{len(data):,}",
        )
        weights[said] = weight
    assert all(weights.values())

    said: list[tuple[int, str, int, int]] = []
    markup = {}
    for sizes in SIZES:
        studio.field("textbox", "sizes").fill(sizes)
        markup[sizes] = studio.field("textbox", "HTML").input_value()
        for density in (1, 2, 3):
            studio.field("combobox", "Density").select_option(str(density))
            chosen = studio.page.locator("#screens strong").all_inner_texts()
            said += [
                (int(candidate[:-1]), sizes, viewport, density)
                for viewport, candidate in zip(SCREENS, chosen, strict=True)
            ]
    assert {f"{width}w" for width, *_ in said} == set(weights)

    page = visited.context.new_page()
    screen = visited.context.new_cdp_session(page)
    # Chromium takes a larger one that it has already: in this order it has none.
    for width, sizes, viewport, density in sorted(said):
        metrics = {"width": viewport, "height": 900, "deviceScaleFactor": density, "mobile": False}
        page.set_content("")  # or the image there would be loaded anew
        screen.send("Emulation.setDeviceMetricsOverride", metrics)
        page.set_content(markup[sizes])
        image = page.locator("img")
        script = "async (image) => { await image.decode(); return image.currentSrc; }"
        loaded = image.evaluate(script)
        assert f"_{width}_0." in loaded, (sizes, viewport, density)
