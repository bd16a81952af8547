"""Health probes, metrics, robots.txt and favicon.ico."""

from liveresize import errors
from liveresize.http import responses
from liveresize.http.handlers.base import Handler

_NO_STORE = [("Cache-Control", responses.NO_STORE)]


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
        suffering = sorted(name for name, part in parts.items() if not part.ok)
        strict = self.site.ready_strict and bool(suffering)
        ready = self.site.ready and not strict
        status = "ready" if ready and not suffering else "degraded" if ready else "unavailable"
        document: dict[str, object] = {"status": status}
        if self.client in self.site.admin_networks:
            document["degraded"] = suffering
            document["parts"] = {
                name: {"ok": part.ok, **part.detail} for name, part in parts.items()
            }
        await self.respond(responses.document(document, _NO_STORE, 200 if ready else 503))

    head = get


class MetricsHandler(Handler):
    """`/_metrics`, in the format of Prometheus or in OpenMetrics."""

    cross_origin = False
    route = "status"

    async def get(self) -> None:
        """Respond with all metrics; 403 outside `admin.networks`."""
        if self.client not in self.site.admin_networks:
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
