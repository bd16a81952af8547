"""The probes, and the files that robots and browsers ask every site for."""

from tornado.web import HTTPError

from liveresize import errors
from liveresize.http import responses
from liveresize.http.handlers.base import Handler

_NO_STORE = [("Cache-Control", responses.NO_STORE)]


class HealthHandler(Handler):
    """`/_health`, as the published service answers it."""

    route = "status"

    async def get(self) -> None:
        """200 `OK`, or 500 `No database connection`."""
        try:
            await self.site.ping()
        except errors.IndexUnavailable:
            await self.respond(responses.text("No database connection", _NO_STORE, 500))
            return
        await self.respond(responses.text("OK", _NO_STORE))

    head = get


class LiveHandler(Handler):
    """`/_live`: the loop turns."""

    route = "status"

    async def get(self) -> None:
        """200, whatever else is the matter."""
        await self.respond(responses.text("OK", _NO_STORE))

    head = get


class ReadyHandler(Handler):
    """`/_ready`: whether a balancer should send requests here."""

    route = "status"

    async def get(self) -> None:
        """200 while ready, with `degraded` while a part suffers; 503 while not."""
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
        """Everything that is counted and measured; 403 outside `admin.networks`."""
        if self.client not in self.site.admin_networks:
            raise errors.NetworkRefused
        kind, body = await self.site.scrape.answer(self.request.headers.get("Accept", ""))
        headers = [("Content-Type", kind), ("Vary", "Accept"), *_NO_STORE]
        await self.respond(
            responses.Response(status=200, headers=headers, body=body, length=len(body))
        )

    head = get


def robots(allow_indexing: bool) -> str:
    """The text of robots.txt: all or nothing."""
    return f"User-agent: *\nDisallow:{'' if allow_indexing else ' /'}\n"


class RobotsHandler(Handler):
    """`/robots.txt`."""

    route = "status"

    async def get(self) -> None:
        """All or nothing, as `allow_indexing` says."""
        text = robots(self.site.allow_indexing)
        await self.respond(responses.text(text, [("Cache-Control", "public, max-age=86400")]))

    head = get


class FaviconHandler(Handler):
    """`/favicon.ico`: there is none."""

    route = "status"

    async def get(self) -> None:
        """404, and not as a picture that is missing."""
        raise HTTPError(404)

    head = get
