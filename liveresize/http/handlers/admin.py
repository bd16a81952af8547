"""DELETE of a picture and POST /purge, for holders of an admin secret, and of an application's."""

import math
import re
import urllib.parse
from collections.abc import Sequence

from liveresize import errors
from liveresize.compat.vip import requests as vip
from liveresize.core import names, numbers, parameters, ports
from liveresize.core.erasures import Erasure
from liveresize.core.names import ImageId
from liveresize.core.originals import GENERATION
from liveresize.http import responses
from liveresize.http.context import AppContext
from liveresize.http.handlers.base import Handler
from liveresize.http.handlers.bodies import Fields, JsonHandler
from liveresize.http.scopes import EVERYTHING, Scope

SELECTORS = ("id", "prefix", "rendered_before", "engine_before", "unused_for")
VERSION = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6}){0,4}")
UNKEEPABLE = re.compile("[\0\ud800-\udfff]")
"""Characters that are valid in JSON and not in the database."""

MOST = 10_000


def least_unused(site: AppContext) -> int:
    """Return the least value of `unused_for`."""
    return math.ceil(site.bucket_bounds.grace)


def authorise(handler: Handler) -> Scope:
    """Return what the holder of the bearer token may act on: it is an admin secret, or that of an
    application. Raises AdminDisabled, SecretRefused or TooManyFailures for any other.
    """
    site = handler.site
    if not (site.admin.secrets or site.applications):
        raise errors.AdminDisabled
    scheme, _, credentials = handler.request.headers.get("Authorization", "").partition(" ")
    secret = credentials.encode("latin-1") if scheme.lower() == "bearer" else b""
    scope = _scope(handler, secret, site.admin.secrets)
    if scope is None:
        raise errors.SecretRefused(
            "The secret is missing or wrong. The bearer token must be one of the setting "
            "`admin.secrets` of the server" + _or_of_application(handler) + "."
        )
    return scope


def authorise_all(handler: Handler) -> None:
    """Raise AdminDisabled, SecretRefused or TooManyFailures unless the bearer token is an admin
    secret, and OutsideApplication for that of an application."""
    if not handler.site.admin.secrets:
        raise errors.AdminDisabled
    authorise(handler).check_everything()


def check_secret(handler: Handler, secret: object) -> Scope:
    """Return what the holder of the secret in a body may act on.

    Raises SecretRefused and TooManyFailures.
    """
    text = secret if isinstance(secret, str) else ""
    encoded, of_all = text.encode("utf-8", "surrogatepass"), handler.site.secret
    # With counters of their own: who guesses at tokens must not lock out the administrator, with
    # whose secret those of applications are compared in headers.
    scope = _scope(handler, encoded, (of_all,) if of_all else (), "body ")
    if scope is None:
        raise errors.SecretRefused(
            "The secret is missing or wrong. The field `secret` must be what the setting "
            "`secret` of the server is" + _or_of_application(handler) + "."
        )
    return scope


def _or_of_application(handler: Handler) -> str:
    applications = handler.site.applications
    return ", or that of the application whose prefix the id has" if applications else ""


def recognised(handler: Handler) -> Scope | None:
    """Return what the bearer token of a request that needs none opens; None for a wrong one.

    A wrong one changes nothing: it may be that of another service. So it counts neither against
    those who delete from the same address.
    """
    scheme, _, credentials = handler.request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        return _scope(handler, credentials.encode("latin-1"), handler.site.admin.secrets, "see ")
    except errors.TooManyFailures:
        return None


def recognises(handler: Handler) -> bool:
    """Whether `recognised` returns the scope of an admin secret."""
    scope = recognised(handler)
    return scope is not None and scope.application is None


def _scope(
    handler: Handler, secret: bytes, of_all: Sequence[str], purpose: str = ""
) -> Scope | None:
    """Compare with `of_all`, which open everything, and with those of the applications.

    Raises TooManyFailures.
    """
    applications = tuple(handler.site.applications)
    secrets = (*of_all, *(each.secret for each in applications))
    place = handler.site.secret_throttle.which(handler.client, secret, secrets, purpose)
    if place is None:
        return None
    if place < len(of_all):
        return EVERYTHING
    scope = Scope(application=applications[place - len(of_all)])
    handler.application_name = scope.label
    return scope


class DeleteHandler(Handler):
    """`DELETE /{name}`, and `DELETE /{bucket}/{id}`."""

    cross_origin = False
    route = "delete"

    async def delete(self) -> None:
        """Delete the picture and its renditions at once."""
        self._scope = authorise(self)
        receipt = self._wants_receipt()
        path = self.request.path
        if "/" in path[1:]:
            image = vip.image(path, self.site.vip_rules)
            self._scope.check(image)
            erasure = await self._delete_of_bucket(image)
        else:
            erasure = await self._delete(names.check_name(parameters.percent_decode(path[1:])))
        headers = [
            ("Cache-Control", responses.NO_STORE),
            ("X-Deleted", urllib.parse.quote(erasure.image.key)),
        ]
        if not receipt:
            await self.respond(responses.Response(status=204, headers=headers, length=None))
            return
        progress = await self.site.purge.progress(erasure)
        await self.respond(responses.document(self.site.receipts.document(progress), headers))

    async def _delete(self, name: str) -> Erasure:
        """Delete the picture of that name, or without its suffix."""
        self._scope.check(ImageId(name))
        self.application_name = self.site.applications.label(name)
        try:
            return await self.site.purge.delete(ImageId(name))
        except errors.OriginalMissing:
            stem, suffix = names.split_suffix(name)
            if not suffix or not self._scope.covers(ImageId(stem)):
                raise
            return await self.site.purge.delete(ImageId(stem))

    async def _delete_of_bucket(self, image: ImageId) -> Erasure:
        """Delete a picture of a bucket; import it first if nobody has requested it yet."""
        try:
            return await self.site.purge.delete(image)
        except errors.OriginalMissing:
            await self.site.pictures.original(image)
            return await self.site.purge.delete(image)

    def _wants_receipt(self) -> bool:
        """Whether the query asks for a receipt. Raises BadParameter."""
        value = self.get_query_argument("receipt", "false")
        if value not in ("true", "false", ""):
            raise errors.BadParameter("The parameter `receipt` must be true or false.")
        return value == "true"


class ErasureHandler(Handler):
    """`/_erasures/{id}`: what is gone where of a picture that was deleted."""

    cross_origin = False
    route = "delete"

    async def get(self) -> None:
        """Return the receipt as it is now."""
        scope = authorise(self)
        erasure = self.request.path.rpartition("/")[2]
        if not GENERATION.fullmatch(erasure):
            raise errors.ErasureMissing
        progress = await self.site.purge.erasure(erasure)
        if not scope.covers(progress.erasure.image):
            raise errors.ErasureMissing
        no_store = [("Cache-Control", responses.NO_STORE)]
        await self.respond(responses.document(self.site.receipts.document(progress), no_store))

    async def head(self) -> None:
        """Respond as GET does; its body is left out."""
        await self.get()


class PurgeHandler(JsonHandler):
    """`POST /purge`."""

    cross_origin = False
    route = "purge"

    async def start(self) -> None:
        """Check the secret before the body is read."""
        self._scope = authorise(self)

    async def handle(self, fields: Fields) -> None:
        """Purge the selected renditions."""
        chosen = [name for name in SELECTORS if name in fields]
        if len(chosen) != 1:
            raise errors.BadBody(
                "Give exactly one of `id`, `prefix`, `rendered_before`, `engine_before` and "
                "`unused_for`."
            )
        if chosen[0] not in ("id", "prefix"):
            self._scope.check_everything()
        limit = int(fields.number("limit", 1, MOST) or 100)
        if chosen[0] == "unused_for":
            purged = await self.site.bucket_bounds.end_unused(self._unused_for(fields), limit)
        else:
            selection = _selection(chosen[0], fields)
            if selection.image is not None:
                self._scope.check(selection.image)
            if selection.prefix:
                self._scope.check_prefix(selection.prefix)
            purged = await self.site.purge.purge(selection, limit)
        await self.respond(
            responses.document({"purged": purged}, [("Cache-Control", responses.NO_STORE)])
        )

    def _unused_for(self, fields: Fields) -> float:
        """Seconds; at least as many as redirects may lead to an object."""
        least = least_unused(self.site)
        seconds = fields.number("unused_for", 0, 1e10) or 0.0
        if seconds < least:
            raise errors.BadBody(
                f"The field `unused_for` must be at least {least} seconds: until then clients may "
                "still follow redirects that they keep."
            )
        return seconds


def _selection(name: str, fields: Fields) -> ports.Selection:
    value = fields[name]
    if name == "rendered_before":
        return ports.Selection(rendered_before=_instant(value))
    text = fields.string(name) or ""
    if not text:
        raise errors.BadBody(f"The field `{name}` must not be empty.")
    if UNKEEPABLE.search(text):
        raise errors.BadBody(f"The field `{name}` holds a character that no name has.")
    if name == "id":
        bucket, _, id_ = text.rpartition("/")
        return ports.Selection(image=ImageId(id_, bucket))
    if name == "prefix":
        return ports.Selection(prefix=text)
    if not VERSION.fullmatch(text):
        raise errors.BadBody("The field `engine_before` must be a version such as `1.2`.")
    return ports.Selection(engine_before=text)


def _instant(value: object) -> float:
    """Convert a number or an ISO 8601 time with its zone to Unix seconds. Raises BadBody."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e11:
        return float(value)
    instant = numbers.instant(value) if isinstance(value, str) else None
    if instant is not None:
        return instant
    raise errors.BadBody(
        "The field `rendered_before` must be Unix seconds or an ISO 8601 time with its zone."
    )
