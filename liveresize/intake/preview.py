"""An application that looks at each picture: a POST of a small one, and what is known of it."""

import json

import aiohttp

from liveresize import errors
from liveresize.core import events, ports
from liveresize.core.formats import Format
from liveresize.core.jobs import Rendered, RenderJob
from liveresize.core.originals import Original
from liveresize.core.rendition import Rendition
from liveresize.core.values import Quality
from liveresize.intake.hook import HookFailed, Upload
from liveresize.notifications.session import FOREIGN, Session, reason

SIDE = 512
"""Pixels of the longer side of the picture, at most."""

_QUALITY = Quality(80, 80, 60)


class HttpHook:
    """Posts to `url`: 2xx takes the picture, 4xx refuses it. It has `timeout` seconds.

    Redirects are not followed.
    """

    name = "http"

    def __init__(self, url: str, *, timeout: float, renderer: ports.Renderer) -> None:
        self._url = url
        self._renderer = renderer
        self._session = Session(timeout)

    async def check(self, upload: Upload) -> str:
        """Return the status that refuses; empty if the picture is taken.

        Raises HookFailed, and Overload if no worker is free.
        """
        picture = await self._preview(upload)
        form = aiohttp.FormData()
        facts = json.dumps(_facts(upload.original), ensure_ascii=False)
        form.add_field("facts", facts, content_type="application/json")
        form.add_field(
            "image",
            picture.data,
            content_type=picture.format.mime,
            filename=f"image.{picture.format.extension}",
        )
        try:
            async with self._session.request("POST", self._url, data=form) as answer:
                status = answer.status
        except FOREIGN as error:
            raise HookFailed(reason(error)) from error
        if 200 <= status < 300:
            return ""
        if 400 <= status < 500:
            return f"status {status}"
        raise HookFailed(f"status {status}")

    async def _preview(self, upload: Upload) -> Rendered:
        """Make the picture that is sent: WebP with transparency, else JPEG."""
        rendition = Rendition(
            format=Format.WEBP if upload.original.has_alpha else Format.JPEG,
            width=SIDE,
            height=SIDE,
            quality=_QUALITY,
            enlarge=False,
            animate=False,
        )
        job = RenderJob(path=str(upload.cleaned), rendition=rendition.canonical())
        handle = ports.JobHandle(ports.Priority.UPLOAD, upload.client)
        try:
            return await self._renderer.run(job, handle=handle)
        except (errors.ImageError, errors.RenderTimeout, errors.WorkerDied) as error:
            raise HookFailed(f"no preview: {error.code}") from error

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()


def _facts(original: Original) -> dict[str, object]:
    """Return what an event says of the picture, but for what it is not yet."""
    facts = events.describe(original)
    return {name: facts[name] for name in facts if name not in ("state", "uploaded_at")}
