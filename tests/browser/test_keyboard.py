"""The whole task without a pointer, the focus in sight all the way."""

import pytest
from playwright.sync_api import FileChooser, Locator, expect
from web import servers

from . import scenes
from .chromium import needs_chromium
from .studio import Studio, focused

pytestmark = [pytest.mark.long, needs_chromium]

STEPS = 120
"""More presses of Tab than there are controls."""

FOCUSED = """() => {
    const element = document.activeElement;
    if (element === null || element === document.body) return null;
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    const [left, top] = [Math.max(box.left, 0), Math.max(box.top, 0)];
    const [right, bottom] = [Math.min(box.right, innerWidth), Math.min(box.bottom, innerHeight)];
    const over = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
    return {
        html: element.outerHTML.slice(0, 120),
        marked: outlined || style.boxShadow !== "none",
        seen: box.width > 1 && box.height > 1 && box.bottom > 0 && box.right > 0
            && box.top < innerHeight && box.left < innerWidth,
        covered: !element.contains(over) && !over?.contains(element)
            && ![...(element.labels ?? [])].some((label) => label.contains(over)),
    };
}"""
"""What has the focus, whether it is marked, in sight, and under something else."""

CONTROLS = """() => [...document.querySelectorAll("button, a, input, select, textarea, [tabindex]")]
    .filter((each) => each.checkVisibility() && each.tabIndex >= 0 && !each.disabled)
    .map((each) => each.outerHTML.slice(0, 120))"""
"""What Tab has to come to, in the order of the document."""


def press(studio: Studio, *keys: str) -> None:
    """Press keys, one after the other."""
    for key in keys:
        studio.page.keyboard.press(key)


def tab_to(studio: Studio, wanted: Locator, key: str = "Tab") -> None:
    """Press Tab until `wanted` has the focus; on the way it is always in sight."""
    for _ in range(STEPS):
        press(studio, key)
        at = studio.page.evaluate(FOCUSED)
        if at is not None:
            assert at["marked"], f"no focus to be seen on {at['html']}"
            assert at["seen"], f"focus out of sight on {at['html']}"
        if focused(wanted):
            return
    raise AssertionError(f"Tab never comes to {wanted}")


def test_the_whole_task(studio: Studio, name: str) -> None:
    """Choose, upload, turn knobs, copy the address, delete: Tab, Enter, Space and arrows."""
    studio.visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
    choosers: list[FileChooser] = []
    # From now on no dialog of the system opens: expect_file_chooser() may say so too late.
    studio.page.on("filechooser", lambda chooser: choosers.append(chooser))
    studio.page.reload()
    tab_to(studio, studio.page.get_by_label("Admin secret", exact=True))
    studio.page.keyboard.type(servers.ADMIN)
    press(studio, "Enter")
    choose = studio.button("Choose pictures")
    expect(choose).to_be_focused()
    press(studio, "Enter")
    servers.until(lambda: studio.page.title() and choosers)
    file = scenes.photo()
    choosers[0].set_files({"name": file.name, "mimeType": file.kind, "buffer": file.data})
    expect(studio.button("Upload")).to_be_focused()
    tab_to(studio, studio.field("textbox", "Id"), "Shift+Tab")
    press(studio, "Control+A")
    studio.page.keyboard.type(name)
    press(studio, "Enter")
    studio.shown(f"/{name}_")
    expect(studio.heading).to_be_focused()
    tab_to(studio, studio.field("spinbutton", "Width"))
    press(studio, "Control+A")
    studio.page.keyboard.type("100")
    studio.shown("_100_")
    tab_to(studio, studio.field("spinbutton", "Height"))
    press(studio, "Control+A")
    studio.page.keyboard.type("90")
    tab_to(studio, studio.field("combobox", "Fit"))
    press(studio, "ArrowDown")
    studio.shown("_100_90.", "fit=crop")
    assert studio.pixels().size == (100, 90)
    tab_to(studio, studio.button("Copy URL"), "Shift+Tab")
    press(studio, "Space")
    expect(studio.status).to_contain_text("Copied")
    copied = studio.page.evaluate("() => navigator.clipboard.readText()")
    assert copied == studio.process.url + studio.shown()
    tab_to(studio, studio.field("tab", "Rendition"), "Shift+Tab")
    press(studio, "ArrowRight")
    expect(studio.field("tab", "Original")).to_be_focused()
    tab_to(studio, studio.button("Delete picture"))
    press(studio, "Enter")
    _keep(studio)
    press(studio, "Enter")
    dialog = studio.dialog
    tab_to(studio, dialog.get_by_role("button", name="Delete", exact=True))
    press(studio, "Enter")
    servers.until(lambda: studio.process.client.get(f"/{name}.json").status_code == 404)
    expect(dialog).to_be_hidden()


def _keep(studio: Studio) -> None:
    """The dialog holds the focus until Escape closes it; then it is back on the button."""
    dialog = studio.dialog
    expect(dialog).to_be_visible()
    keep = dialog.get_by_role("button", name="Keep", exact=True)
    assert focused(keep), "the safe one first"
    outside = """() => ![document.body, document.documentElement].includes(document.activeElement)
        && document.activeElement.closest("dialog") === null"""
    for _ in range(5):
        press(studio, "Tab")
        # Past the last of its buttons, the browser itself has the focus, never the page behind.
        assert not studio.page.evaluate(outside)
    press(studio, "Escape")
    expect(dialog).to_be_hidden()
    assert focused(studio.button("Delete picture"))


@pytest.mark.parametrize("size", [(1280, 800), (360, 740), (1024, 500)])
def test_the_order_of_the_focus(opened: Studio, size: tuple[int, int]) -> None:
    """Tab goes the way that one reads and Shift+Tab back: to every control, over none."""
    expect(opened.field("list", "Pictures")).not_to_have_attribute("aria-busy", "true")
    opened.page.set_viewport_size({"width": size[0], "height": size[1]})
    opened.page.locator("#skip").focus()
    controls: list[str] = opened.page.evaluate(CONTROLS)
    ways = [("Tab", expected) for expected in controls[1:]]
    ways += [("Shift+Tab", expected) for expected in reversed(controls[1:-1])]
    for key, expected in ways:
        press(opened, key)
        at = opened.page.evaluate(FOCUSED)
        assert at["html"] == expected, key
        assert at["marked"], f"no focus to be seen on {expected}"
        assert at["seen"], f"focus out of sight on {expected}"
        assert not at["covered"], f"something lies over {expected} after {key}"


def test_the_first_tab_skips_what_comes_before(studio: Studio) -> None:
    """A link to the main part comes into sight with the focus, and leads there."""
    studio.page.reload()
    press(studio, "Tab")
    assert studio.page.evaluate(FOCUSED)["seen"]
    press(studio, "Enter")
    press(studio, "Tab")
    inside = "() => document.querySelector('main').contains(document.activeElement)"
    assert studio.page.evaluate(inside)
