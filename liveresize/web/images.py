"""GET and HEAD of pictures: renditions, originals, and what is known about them."""

import asyncio
import hmac
from datetime import UTC, datetime

from liveresize.domain.originals import Original
from liveresize.domain.urls import FactsRequest
from liveresize.service.outcomes import Bytes, Found, OutOfBounds, Stored, Streamed
from liveresize.web import hits, responses
from liveresize.web.handler import Handler
from liveresize.web.responses import Answer


class PictureHandler(Handler):
    """`/{name}_{W}_{H}.{ext}`, `/{name}.{ext}`, `/{name}.json`."""

    async def get(self) -> None:
        """The picture, or the way to it."""
        request = self.site.parse(self.target, self.request.headers)
        try:
            if isinstance(request, FactsRequest):
                original = await self.wait_for(self.site.pictures.describe(request.image))
                await self.respond(_facts(original))
                return
            outcome = await self.wait_for(
                self.site.pictures.serve(request, client=self.client, fresh=self._fresh())
            )
        except asyncio.CancelledError:
            return  # the client left
        options, varies = self.site.options.responses, request.varies
        if isinstance(outcome, Found):
            answer = responses.found(outcome, self.asked, options, varies=varies)
        elif isinstance(outcome, OutOfBounds):
            answer = responses.out_of_bounds(outcome, options, varies=varies)
        elif isinstance(outcome, Stored):
            answer = responses.stored(outcome, self.asked, options)
        elif isinstance(outcome, Streamed):
            answer = responses.streamed(
                outcome, self.asked, options, varies=varies, immutable=False
            )
            answer = await self.begin(outcome, answer)
        else:
            assert isinstance(outcome, Bytes)
            answer = responses.rendered(outcome, self.asked, options, varies=varies)
        await self.respond(answer)

    async def head(self) -> None:
        """The checks of GET, and the headers that are known without work."""
        request = self.site.parse(self.target, self.request.headers)
        if isinstance(request, FactsRequest):
            original = await self.site.pictures.describe(request.image)
            await self.respond(_facts(original))
            return
        outcome = await self.site.pictures.known(request)
        options, varies = self.site.options.responses, request.varies
        if isinstance(outcome, OutOfBounds):
            await self.respond(responses.out_of_bounds(outcome, options, varies=varies))
        else:
            await self.respond(responses.known(outcome, self.asked, options, varies=varies))

    def _fresh(self) -> bool:
        """Whether the client knows the configured `freshness`."""
        expected = self.site.options.freshness.encode()
        sent = self.request.headers.get("Freshness-Token", "").encode("latin-1")
        return bool(expected) and hmac.compare_digest(sent, expected)


class ObjectHandler(Handler):
    """`/_renditions/{key}`: what redirects lead to while there is no S3."""

    async def get(self) -> None:
        """The object; it never changes."""
        key = hits.object_key(self.target)
        try:
            found = await self.wait_for(self.site.pictures.stored_object(key, client=self.client))
        except asyncio.CancelledError:
            return  # the client left
        if isinstance(found, Streamed):
            answer = responses.streamed(
                found, self.asked, self.site.options.responses, varies=False, immutable=True
            )
            await self.respond(await self.begin(found, answer))
            return
        await self.respond(responses.stored_object(found, self.asked))

    async def head(self) -> None:
        """What is known of the object, without making it."""
        known = await self.site.pictures.known_object(hits.object_key(self.target))
        await self.respond(responses.known_object(known, self.asked))


def _facts(original: Original) -> Answer:
    """`/{name}.json`."""
    uploaded = datetime.fromtimestamp(original.uploaded_at, UTC)
    return responses.document(
        {
            "id": original.image.name,
            "width": original.width,
            "height": original.height,
            "format": original.format,
            "bytes": original.bytes,
            "sha256": original.sha256,
            "frames": original.frames,
            "has_alpha": original.has_alpha,
            "dominant_color": original.dominant_color,
            "thumbhash": original.thumbhash,
            "uploaded_at": uploaded.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        },
        [("Cache-Control", "public, max-age=60"), ("Access-Control-Allow-Origin", "*")],
    )
