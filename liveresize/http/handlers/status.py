"""`/`, health probes, metrics, robots.txt and favicon.ico."""

from collections.abc import Mapping

from liveresize import __version__, errors
from liveresize.http import cors, pages, responses
from liveresize.http.context import AppContext, ComponentHealth
from liveresize.http.handlers import admin
from liveresize.http.handlers.base import Handler

_NO_STORE = [("Cache-Control", responses.NO_STORE)]


class HomeHandler(Handler):
    """`/`: what this is, its state, and where to go on."""

    route = "status"

    async def get(self) -> None:
        """Respond with a page to browsers, and with its facts in JSON to others.

        Only the page names the parts with a problem, and only to those who see them in `/_ready`.
        """
        parts = await self.site.parts()
        state = _state(self.site, parts)
        links = {"contract": "/openapi.json"}
        if self.site.studio:
            links = {"studio": "/_studio/", **links}
        if self.site.docs_url:
            links["docs"] = self.site.docs_url
        headers = [("Cache-Control", "no-cache"), *cors.READABLE]
        if pages.wanted(self.request.method, self.request.headers):
            failing = _failing(parts) if self.client in self.site.admin_networks else None
            if failing:  # not for caches, nor for pages of other origins in an operator's browser
                headers = _NO_STORE
            await self.respond(pages.home(state, failing, links, headers))
            return
        facts = {"status": state, "version": __version__}
        document = {"name": pages.NAME, "about": pages.ABOUT, **facts, **links}
        await self.respond(responses.document(document, [("Vary", "Accept"), *headers]))

    head = get


class HealthHandler(Handler):
    """`/_health`, as in the published service."""

    route = "status"

    async def get(self) -> None:
        """Respond with 200 `OK`, or 500 `No database connection`."""
        try:
            await self.site.ping()
        except errors.IndexUnavailable:
            await self.respond(responses.text("No database connection", _NO_STORE, 500))
            return
        await self.respond(responses.text("OK", _NO_STORE))

    head = get


class LiveHandler(Handler):
    """`/_live`: the event loop is running."""

    route = "status"

    async def get(self) -> None:
        """Respond with 200, whatever the health of the components."""
        await self.respond(responses.text("OK", _NO_STORE))

    head = get


class ReadyHandler(Handler):
    """`/_ready`: whether a load balancer should send requests to this server."""

    route = "status"

    async def get(self) -> None:
        """Respond with 200 while ready, `degraded` if a component fails, and 503 otherwise."""
        parts = await self.site.parts()
        state = _state(self.site, parts)
        document: dict[str, object] = {"status": state}
        if self.client in self.site.admin_networks:
            document["degraded"] = _failing(parts)
            document["parts"] = {
                name: {"ok": part.ok, **part.detail} for name, part in parts.items()
            }
        status = 503 if state == "unavailable" else 200
        await self.respond(responses.document(document, _NO_STORE, status))

    head = get


def _state(site: AppContext, parts: Mapping[str, ComponentHealth]) -> str:
    """Return `ready`, `degraded` if a component fails, or `unavailable`."""
    is_whole = all(part.ok for part in parts.values())
    if not site.ready or (site.ready_strict and not is_whole):
        return "unavailable"
    return "ready" if is_whole else "degraded"


def _failing(parts: Mapping[str, ComponentHealth]) -> list[str]:
    """Return the names of the parts with a problem, in alphabetical order."""
    return sorted(name for name, part in parts.items() if not part.ok)


class MetricsHandler(Handler):
    """`/_metrics`, in the format of Prometheus or in OpenMetrics."""

    cross_origin = False
    route = "status"

    async def get(self) -> None:
        """Respond with all metrics; 403 outside `admin.networks` without an admin secret."""
        if self.client not in self.site.admin_networks and not admin.recognises(self):
            raise errors.NetworkRefused
        kind, body = await self.site.scrape.answer(self.request.headers.get("Accept", ""))
        headers = [("Content-Type", kind), ("Vary", "Accept"), *_NO_STORE]
        await self.respond(
            responses.Response(status=200, headers=headers, body=body, length=len(body))
        )

    head = get


def robots(allow_indexing: bool) -> str:
    """Return the text of robots.txt, which allows everything or nothing."""
    return f"User-agent: *\nDisallow:{'' if allow_indexing else ' /'}\n"


class RobotsHandler(Handler):
    """`/robots.txt`."""

    route = "status"

    async def get(self) -> None:
        """Respond with the text for the setting `allow_indexing`."""
        text = robots(self.site.allow_indexing)
        await self.respond(responses.text(text, [("Cache-Control", "public, max-age=86400")]))

    head = get


class FaviconHandler(Handler):
    """`/favicon.ico`: there is none, and browsers need not ask again for a day."""

    route = "status"

    async def get(self) -> None:
        """Respond with 204, without looking for a picture of that name."""
        headers = [("Cache-Control", "public, max-age=86400")]
        await self.respond(responses.Response(status=204, headers=headers, length=None))

    head = get
