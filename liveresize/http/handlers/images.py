"""GET and HEAD of pictures: renditions, originals, and what is known about them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from liveresize import errors
from liveresize.compat.vip.requests import VipRequest
from liveresize.core.originals import Link, Original, version_of
from liveresize.core.ports import ObjectBody
from liveresize.core.urls import FactsRequest, OriginalRequest, RenditionRequest
from liveresize.delivery import outcomes
from liveresize.delivery.fallback_pictures import Shown
from liveresize.delivery.outcomes import (
    Bytes,
    HeadInfo,
    OriginalFile,
    OutOfBounds,
    Redirect,
    Streamed,
)
from liveresize.delivery.pictures import AnyRequest, Showable
from liveresize.http import cors, descriptions, fallback_responses, fast_path, responses
from liveresize.http.handlers import admin
from liveresize.http.handlers.base import CHUNK, Handler
from liveresize.http.near_misses import Wrong
from liveresize.http.request_parser import ParsedRequest, reached
from liveresize.http.responses import NOTHING, Part, Response, ResponseOptions, Slice
from liveresize.http.transport.unsent import LARGE

_FACTS_AGE = 60
"""Seconds for which facts may be kept."""

_ROUTES: dict[type, str] = {
    RenditionRequest: "rendition",
    OriginalRequest: "original",
    FactsRequest: "facts",
    VipRequest: "vip",
}


class PicturesHandler(Handler):
    """Base of those that send pictures: no large ones while too much is unsent."""

    async def respond(self, answer: Response) -> None:
        """Send an answer. Raises UnsentFull where there is no room for it."""
        if answer.status != 304 and self.request.method != "HEAD" and not self._admits(answer.body):
            if not isinstance(answer.body, bytes | memoryview | Slice | Part):
                await answer.body.close()
            self.site.unsent.refused += 1
            raise errors.UnsentFull
        await super().respond(answer)

    def _admits(self, body: bytes | memoryview | Slice | Part | ObjectBody) -> bool:
        """Whether there is room for a body: for all of it, or for what is read of a file or
        a store at a time."""
        if isinstance(body, bytes | memoryview):
            size = len(body)
        else:
            size = body.length if isinstance(body, Slice | Part) else body.size
        if size <= LARGE:
            return True
        client, unsent = self.client_key, self.site.unsent
        self.request.connection.stream.client = client  # type: ignore[union-attr]
        if isinstance(body, bytes | memoryview):
            return unsent.admits(body, client)
        return unsent.make_room(min(size, CHUNK), client)


class PictureHandler(PicturesHandler):
    """`/{name}_{W}_{H}.{ext}`, `/{name}.{ext}`, `/{name}.json`, and vip's `/{bucket}/{id}`."""

    _asked: tuple[str, ...] = ()
    """Names that the index has been asked for."""

    async def get(self) -> None:
        """The picture, or the way to it."""
        await self._or_explain(self._get)

    async def head(self) -> None:
        """The checks of GET, and the headers that are known without work."""
        await self._or_explain(self._head)

    async def _or_explain(self, answer: Callable[[ParsedRequest], Awaitable[None]]) -> None:
        """Answer; if there is no such picture, show its fallback; if the URL is wrong, raise an
        error that says what it may mean."""
        parsed: ParsedRequest | None = None
        try:
            parsed = self._parsed()
            await self._by_either_name(parsed, answer)
        except errors.OriginalMissing as error:
            unanswered = error if parsed is None else await self._fall_back(parsed, error)
            if unanswered is not None:
                await self._explain(unanswered)
        except errors.MalformedUrl as error:
            await self._explain(error)

    async def _explain(self, error: Wrong) -> None:
        """Raise the error, with what the URL may mean; return if the client has left."""
        explaining = self.site.near_misses.explained(
            error, self.target, self.client_key, self._asked
        )
        try:
            explained = await self.wait_for(explaining)
        except asyncio.CancelledError:
            return
        raise explained from None

    async def _fall_back(
        self, parsed: ParsedRequest, error: errors.OriginalMissing
    ) -> errors.OriginalMissing | None:
        """Answer with the picture that is shown instead of the missing one.

        Return the error to answer with if there is none, or if it cannot be had just now: that is
        for the log alone.
        """
        try:
            shown = await self.wait_for(self._instead(parsed.request))
            if shown is None:
                return error
            varies = not isinstance(parsed.request, FactsRequest) and parsed.request.varies
            answer = fallback_responses.response(shown, parsed.options, varies=varies)
            if isinstance(shown, Streamed):
                answer = await self.begin(shown, answer)
            self._error = error
            await self.respond(answer)
        except asyncio.CancelledError:
            pass  # the client left
        except errors.LiveResizeError as failure:
            self._about = NOTHING
            return errors.OriginalMissing("", f"no fallback: {failure.code}")
        return None

    def _instead(self, missing: AnyRequest) -> Awaitable[Shown | HeadInfo | None]:
        """What is shown instead of a missing picture, or for HEAD what is known of it."""
        if self.request.method == "HEAD":
            return self.site.fallbacks.known(missing)
        return self.site.fallbacks.serve(missing, client=self.client_key, fresh=self._fresh())

    async def _by_either_name(
        self, parsed: ParsedRequest, answer: Callable[[ParsedRequest], Awaitable[None]]
    ) -> None:
        """Answer for the name that was sent, or else for the same in NFC, as ids of tokens are.

        Some systems write file names, and so URLs, in NFD. Raises OriginalMissing.
        """
        try:
            await answer(parsed)
        except errors.OriginalMissing:
            composed = parsed.composed()
            if composed is None:
                raise
            await answer(composed)

    async def _get(self, parsed: ParsedRequest) -> None:
        request, options = parsed.request, parsed.options
        try:
            if isinstance(request, FactsRequest):
                await self.respond(await self.wait_for(self._facts(request, options)))
                return
            if parsed.version and await self._moved(await self._current(request), parsed):
                return
            outcome = await self.wait_for(
                self.site.pictures.serve(request, client=self.client_key, fresh=self._fresh())
            )
        except asyncio.CancelledError:
            return  # the client left
        varies = request.varies
        if isinstance(outcome, Redirect | Bytes | Streamed) and outcome.pending:
            options = replace(options, pending=outcome.pending)
        if parsed.version and not isinstance(outcome, OutOfBounds):
            if await self._moved(outcomes.shown(outcome), parsed):
                return
            options = replace(options, immutable=True)
        if isinstance(outcome, Redirect):
            answer = responses.found(outcome, self.conditionals, options, varies=varies)
        elif isinstance(outcome, OutOfBounds):
            answer = self._out_of_bounds(outcome, parsed, varies=varies)
        elif isinstance(outcome, OriginalFile):
            answer = responses.stored(outcome, self.conditionals, options)
        elif isinstance(outcome, Streamed):
            answer = responses.streamed(outcome, self.conditionals, options, varies=varies)
            answer = await self.begin(outcome, answer)
        else:
            assert isinstance(outcome, Bytes)
            answer = responses.rendered(outcome, self.conditionals, options, varies=varies)
        await self.respond(answer)

    async def _head(self, parsed: ParsedRequest) -> None:
        request, options = parsed.request, parsed.options
        if isinstance(request, FactsRequest):
            await self.respond(await self._facts(request, options))
            return
        if parsed.version and await self._moved(await self.site.pictures.current(request), parsed):
            return
        outcome = await self.site.pictures.known(request)
        varies = request.varies
        if parsed.version and not isinstance(outcome, OutOfBounds):
            if await self._moved(outcomes.shown(outcome), parsed):
                return
            options = replace(options, immutable=True)
        if isinstance(outcome, OutOfBounds):
            await self.respond(self._out_of_bounds(outcome, parsed, varies=varies))
        else:
            await self.respond(responses.known(outcome, self.conditionals, options, varies=varies))

    async def _current(self, request: Showable) -> Original:
        """The picture, before anything is made of it."""
        return await self.wait_for(self.site.pictures.current(request))

    async def _moved(self, shown: Link | Original, parsed: ParsedRequest) -> bool:
        """Lead a client with the address of another version to the current one; whether it had
        to."""
        current = version_of(shown.generation)
        if parsed.version == current:
            return False
        url = self.site.request_parser.in_version(self.target, current, parsed)
        await self.respond(responses.moved(url, shown.image.name, parsed.options))
        return True

    def _parsed(self) -> ParsedRequest:
        """What is asked for, once it is sure that it may be."""
        self.route = "vip" if "/" in self.request.path[1:] else "rendition"  # should it fail
        parser, headers = self.site.request_parser, self.request.headers
        scope, parsed = admin.recognised(self), None
        if scope is not None:
            parsed = parser.read_for_admin(self.target, headers)
            if not all(map(scope.covers, reached(parsed.request))):
                parsed = None  # a secret of another application opens nothing here
        if parsed is None:
            parsed = parser.read(self.target, headers, self.client_key)
        self.route = _ROUTES[type(parsed.request)]
        self._asked = (parsed.request.image.name,)
        self.application_name = self.site.applications.label(parsed.request.image.key)
        return parsed

    async def _facts(self, request: FactsRequest, options: ResponseOptions) -> Response:
        """`/{name}.json`; an admin gets all of it, which no cache keeps."""
        original = await self.site.pictures.describe(
            request.image, signed=request.signed, hidden=request.sees_hidden
        )
        age = "no-store" if options.no_store else f"public, max-age={options.life(_FACTS_AGE)}"
        headers = [("Cache-Control", age), *cors.READABLE]
        headers += responses.tags(original.image.name)
        if self.site.admin.secrets or self.site.applications:
            headers.append(("Vary", "Authorization"))
        shown = descriptions.private if request.private else descriptions.public
        return responses.document(shown(original), headers)

    def _out_of_bounds(
        self, outcome: OutOfBounds, parsed: ParsedRequest, *, varies: bool
    ) -> Response:
        url = self.site.request_parser.signed_again(outcome.url, parsed)
        return responses.out_of_bounds(replace(outcome, url=url), parsed.options, varies=varies)

    def _fresh(self) -> bool:
        """Whether the client knows the configured `freshness`; one that guesses does not."""
        expected = self.site.freshness
        sent = self.request.headers.get("Freshness-Token", "").encode("latin-1")
        try:
            return bool(expected) and self.site.secret_throttle.one_of(
                self.client, sent, (expected,)
            )
        except errors.TooManyFailures:
            return False


class ObjectHandler(PicturesHandler):
    """`/_renditions/{key}`: what redirects lead to while there is no S3."""

    route = "object"

    def prepare(self) -> None:
        """Where every picture needs a signature nothing leads here, and nobody gets in."""
        if self.site.signing.required:
            raise errors.OriginalMissing

    async def get(self) -> None:
        """The object."""
        key = fast_path.object_key(self.target)
        try:
            found = await self.wait_for(self.site.objects.serve(key, client=self.client_key))
        except asyncio.CancelledError:
            return  # the client left
        if isinstance(found, Streamed):
            answer = responses.streamed(found, self.conditionals, self.site.responses, varies=False)
            await self.respond(await self.begin(found, answer))
            return
        await self.respond(responses.stored_object(found, self.conditionals, self.site.responses))

    async def head(self) -> None:
        """What is known of the object, without making it."""
        known = await self.site.objects.known(fast_path.object_key(self.target))
        await self.respond(responses.known_object(known, self.conditionals, self.site.responses))
