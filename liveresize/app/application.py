"""The route table: method and path → handler."""

import re

from tornado import httputil
from tornado.routing import Matcher, Rule
from tornado.web import Application, HTTPError

from liveresize.compat.vip.handlers import (
    PingHandler,
    UncleanPathHandler,
    VipPreflightHandler,
    VipUploadHandler,
    VipWarmupHandler,
)
from liveresize.http.context import AppContext
from liveresize.http.handlers.admin import DeleteHandler, ErasureHandler, PurgeHandler
from liveresize.http.handlers.base import Handler
from liveresize.http.handlers.images import ObjectHandler, PictureHandler
from liveresize.http.handlers.lists import ListHandler
from liveresize.http.handlers.records import PatchHandler
from liveresize.http.handlers.resumable import (
    ResumableCreationHandler,
    ResumableOptionsHandler,
    ResumablePartHandler,
    ResumableUploadHandler,
)
from liveresize.http.handlers.status import (
    FaviconHandler,
    HealthHandler,
    HomeHandler,
    LiveHandler,
    MetricsHandler,
    ReadyHandler,
    RobotsHandler,
)
from liveresize.http.handlers.tokens import TokenHandler
from liveresize.http.handlers.uploads import PreflightHandler, UploadHandler
from liveresize.http.openapi import OpenApiHandler
from liveresize.http.studio.handlers import (
    StudioPageHandler,
    StudioRedirectHandler,
    StudioSessionHandler,
    StudioTokenHandler,
)

Row = tuple[tuple[str, ...], str, type[Handler]]
"""Methods, the pattern of raw paths, and what answers them."""

READ = ("GET", "HEAD")

_VIP = r"(?!_|upload/)[^/]+/[^/]+"
"""A bucket and an id."""

_NAME = r"(?!_|(?:token|purge)/?\Z)[^/]+"
"""A picture, or one with an extension."""

ROUTES: list[Row] = [
    (READ, r"/", HomeHandler),
    (READ, r"/_health/?", HealthHandler),
    (READ, r"/_live/?", LiveHandler),
    (READ, r"/_ready/?", ReadyHandler),
    (READ, r"/_metrics/?", MetricsHandler),
    (READ, r"/_pictures/?", ListHandler),
    (READ, r"/_renditions/.*", ObjectHandler),
    (READ, r"/_erasures/[^/]*", ErasureHandler),
    (READ, r"/_studio", StudioRedirectHandler),
    (READ, r"/_studio/session", StudioSessionHandler),
    (("POST",), r"/_studio/token", StudioTokenHandler),
    (READ, r"/_studio/(?!token\Z)[^/]*", StudioPageHandler),
    (("POST",), r"/_uploads/[^/]+", ResumableCreationHandler),
    (("OPTIONS",), r"/_uploads/[^/]+(?:/[^/]+)?", ResumableOptionsHandler),
    (("PATCH", "POST"), r"/_uploads/[^/]+/[^/]+", ResumablePartHandler),
    (("HEAD", "DELETE"), r"/_uploads/[^/]+/[^/]+", ResumableUploadHandler),
    (READ, r"/robots\.txt/?", RobotsHandler),
    (READ, r"/openapi\.json/?", OpenApiHandler),
    (READ, r"/favicon\.ico", FaviconHandler),
    (READ, r"/ping/?", PingHandler),
    (("POST",), r"/token/?", TokenHandler),
    (("POST",), r"/purge/?", PurgeHandler),
    (READ, rf"/{_NAME}", PictureHandler),
    (("POST",), rf"/{_NAME}", UploadHandler),
    (("DELETE",), r"/(?!_)[^/]+", DeleteHandler),
    (("PATCH",), rf"/{_NAME}", PatchHandler),
    (("OPTIONS",), rf"/{_NAME}", PreflightHandler),
    (("POST",), r"/upload/[^/]+", VipUploadHandler),
    (("OPTIONS",), r"/upload/[^/]+", VipPreflightHandler),
    (READ, rf"/{_VIP}", PictureHandler),
    (("DELETE",), rf"/{_VIP}", DeleteHandler),
    (("PATCH",), rf"/{_VIP}", PatchHandler),
    (("POST",), rf"/{_VIP}/warmup", VipWarmupHandler),
    (("OPTIONS",), rf"/{_VIP}/warmup", VipPreflightHandler),
]
"""Every route; the first that matches counts. Patterns are of raw, encoded paths. openapi.yaml
describes each."""


class Route(Matcher):
    """Matches a method and the whole raw path."""

    def __init__(self, methods: tuple[str, ...], pattern: str) -> None:
        self._methods = methods
        self._pattern = re.compile(pattern, re.DOTALL)

    def match(self, request: httputil.HTTPServerRequest) -> dict[str, object] | None:
        """See tornado.routing.Matcher."""
        if request.method in self._methods and self._pattern.fullmatch(request.path):
            return {}
        return None


class AnyMethod(Matcher):
    """Matches a path that some route of the site has, whatever the method."""

    def __init__(self, site: AppContext) -> None:
        self._site = site

    def match(self, request: httputil.HTTPServerRequest) -> dict[str, object] | None:
        """See tornado.routing.Matcher."""
        return {} if allowed(request.path, self._site) else None


class WrongMethod(Handler):
    """A path that there is, asked for with a method that it does not take."""

    def initialize(self, site: AppContext) -> None:
        """Know what would do, before Tornado refuses methods that it has never heard of."""
        super().initialize(site)
        methods = allowed(self.request.path, site)
        self.cross_origin = "GET" in methods
        self.error_headers = [("Allow", ", ".join(methods))]

    def prepare(self) -> None:
        """405, and what would do."""
        raise HTTPError(405)


def routes(site: AppContext) -> list[Row]:
    """The routes of a site: those of the studio are there only while it is on."""
    on = bool(site.studio)
    return [row for row in ROUTES if on or not row[1].startswith("/_studio")]


def allowed(path: str, site: AppContext) -> list[str]:
    """The methods that a raw path takes."""
    taken: dict[str, None] = {}
    for methods, pattern, _ in routes(site):
        if re.fullmatch(pattern, path, re.DOTALL):
            taken.update(dict.fromkeys(methods))
    return list(taken)


def make_application(site: AppContext) -> Application:
    """The Application behind `fast_path.FastPath`."""
    rules = [
        Rule(Route(methods, pattern), handler, {"site": site})
        for methods, pattern, handler in routes(site)
    ]
    rules.append(Rule(AnyMethod(site), WrongMethod, {"site": site}))
    return Application(
        rules,
        default_handler_class=UncleanPathHandler,
        default_handler_args={"site": site},
        compress_response=False,
        log_function=lambda handler: None,  # `Handler.on_finish` writes the access line
    )
