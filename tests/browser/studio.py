"""The page at /_studio/ as its visitors know it: by what they read on it."""

import base64
import io
from dataclasses import dataclass
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import JSHandle, Locator, Page, expect
from web import servers

from .chromium import Visit

SHOWN = """() => {
    const image = document.querySelector("#rendition-image");
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    canvas.getContext("2d").drawImage(image, 0, 0);
    return canvas.toDataURL("image/png");
}"""
"""The pixels that the page shows as the rendition, as a PNG in a data: URL."""

CARRY = """([name, kind, data]) => {
    const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
    const carried = new DataTransfer();
    carried.items.add(new File([bytes], name, { type: kind }));
    return carried;
}"""
"""A file that hangs on the pointer, or lies in the clipboard."""


STILL = """() => Promise.allSettled(document.getAnimations().map((each) => each.finished))"""

_FOCUSED = "(element) => element === document.activeElement"


def focused(locator: Locator) -> bool:
    """Whether it has the focus."""
    has: bool = locator.evaluate(_FOCUSED)
    return has


@dataclass(frozen=True, slots=True)
class File:
    """A file of the visitor's."""

    name: str
    data: bytes
    kind: str = "image/jpeg"


class Studio:
    """One visit to the studio of one server."""

    def __init__(self, visit: Visit, process: servers.Process) -> None:
        self.visit = visit
        self.page: Page = visit.page
        self.process = process

    def entered(self) -> None:
        """Return when the page works."""
        expect(self.button("Choose pictures")).to_be_visible()

    def enter(self, secret: str = servers.ADMIN, fragment: str = "") -> None:
        """Come in; `secret` is empty where the server has none, `fragment` starts with #."""
        self.page.goto(f"{self.process.url}/_studio/{fragment}")
        if secret:
            self.unlock(secret)
        self.entered()

    def unlock(self, secret: str = servers.ADMIN) -> None:
        """Type the secret and send it off; what comes of it is another matter."""
        self.page.get_by_label("Admin secret", exact=True).fill(secret)
        self.button("Unlock").click()

    def button(self, name: str) -> Locator:
        """The button that is called so."""
        return self.page.get_by_role("button", name=name, exact=True)

    def field(self, role: Any, name: str) -> Locator:
        """The control of that role and name."""
        return self.page.get_by_role(role, name=name, exact=True)

    @property
    def status(self) -> Locator:
        """What the page says has happened."""
        return self.page.locator("#status")

    def open(self, name: str) -> None:
        """Open a picture by its id; returns when it is shown."""
        self.field("searchbox", "Id of a picture").fill(name)
        self.button("Open").click()
        self.shown(f"/{name}_")

    def view(self, name: str) -> None:
        """Show one of the views of the stage."""
        self.field("tab", name).click()
        expect(self.field("tabpanel", name)).to_be_visible()

    @property
    def heading(self) -> Locator:
        """What names the picture that is open."""
        return self.page.locator("#picture-name")

    def choose(self, *files: File) -> None:
        """Choose files, as in the dialog of the system; returns when they are in the queue."""
        rows = self.page.locator("#queue > li")
        before = rows.count()
        chosen = [{"name": file.name, "mimeType": file.kind, "buffer": file.data} for file in files]
        self.page.get_by_label("Files", exact=True).set_input_files(chosen)  # type: ignore[arg-type]
        expect(rows).to_have_count(before + len(files))

    def row(self, file: str) -> Locator:
        """What the queue says and offers of the file of that name."""
        return self.page.get_by_role("group", name=file)

    def _carried(self, file: File) -> JSHandle:
        data = base64.b64encode(file.data).decode()
        return self.page.evaluate_handle(CARRY, [file.name, file.kind, data])

    def paste(self, file: File) -> None:
        """Press Ctrl+V with a picture in the clipboard."""
        script = """(carried) => document.body.dispatchEvent(
            new ClipboardEvent("paste", { clipboardData: carried, bubbles: true }))"""
        self.page.evaluate(script, self._carried(file))

    def drop(self, file: File) -> None:
        """Drag a file from the desktop to where pictures go, and let go of it there."""
        carried = self._carried(file)
        # Above the button lies what takes the drop: events rise to it.
        for event in ("dragenter", "dragover", "drop"):
            self.button("Choose pictures").dispatch_event(event, {"dataTransfer": carried})

    def upload(self, file: File, name: str) -> None:
        """Choose a file and put it in as `name`; returns when it is shown."""
        self.choose(file)
        self.field("textbox", "Id").last.fill(name)
        self.button("Upload").click()
        self.shown(f"/{name}_")

    def square(self, fit: str) -> None:
        """Ask for a box of 200 by 200; returns when it is shown."""
        self.field("spinbutton", "Width").fill("200")
        self.field("spinbutton", "Height").fill("200")
        self.field("combobox", "Fit").select_option(fit)
        self.shown("_200_200.", f"fit={fit}")

    def shown(self, *parts: str) -> str:
        """The path of the rendition shown, once that has all `parts` in it."""
        has = "".join(f'[data-url*="{part}"]' for part in parts)
        html = self.page.locator(f'html[data-state="shown"]{has}')
        html.wait_for(state="attached")
        url = html.get_attribute("data-url")
        assert url is not None
        return url

    def failed(self, words: str, place: str) -> None:
        """Return once the page says what failed, in `words`, in the element of that id too."""
        expect(self.page.locator("#status.wrong")).to_contain_text(words)
        expect(self.page.locator(f"#{place}")).to_contain_text(words)

    def settle(self) -> None:
        """Return when nothing fades or moves any more."""
        self.page.evaluate(STILL)

    @property
    def dialog(self) -> Locator:
        """What asks before a picture is deleted."""
        return self.page.get_by_role("dialog", name="Delete this picture?", exact=True)

    def pixels(self) -> Image.Image:
        """What the page shows as the rendition, at its natural size."""
        url: str = self.page.evaluate(SHOWN)
        picture = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
        picture.load()
        return picture

    def answer(self, path: str) -> httpx.Response:
        """What the server itself answers for the path of a rendition: its bytes."""
        answer = self.process.client.get(path, params=None, follow_redirects=True)
        assert answer.status_code == 200, answer.text
        return answer
