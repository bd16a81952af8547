"""POST /token: issue a token for one upload, or one for each of several."""

from dataclasses import replace

from liveresize import errors
from liveresize.core import names, numbers, suggestions
from liveresize.core.names import ImageId
from liveresize.core.tokens import Grant, Token
from liveresize.http import cors, responses
from liveresize.http.handlers import admin, records
from liveresize.http.handlers.bodies import Fields, JsonHandler
from liveresize.http.scopes import Scope
from liveresize.http.transport import clients
from liveresize.settings.pictures import ALIASES

LONGEST_LIFE = 604_800.0
LARGEST = float(1 << 40)

MOST = 100
"""Tokens of one request."""


class TokenHandler(JsonHandler):
    """Issues one-time tokens."""

    cross_origin = False
    route = "token"

    async def start(self) -> None:
        """Refuse pages of other origins while no secret keeps them away.

        Raises OriginRefused, and BadBody for what a page can send without a preflight.
        """
        headers = self.request.headers
        if self.site.secret or not cors.from_a_browser(headers):
            return
        host = clients.asked_for(self.request, self.site.trusted_proxies).host
        if cors.from_another_site(headers, host):
            raise errors.OriginRefused
        kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise errors.BadBody("Send the body as application/json.")

    async def handle(self, fields: Fields) -> None:
        """Check the client and the fields, and issue a token."""
        scope = self._authorise(fields)
        chosen = _ids(fields) if "ids" in fields else [names.check_id(fields["id"])]
        images = [ImageId(name) for name in chosen]
        for image in images:
            scope.check(image)
        self.application_name = self.site.applications.label(images[0].key)
        grant = self._grant(fields, images[0], scope)
        if "ids" in fields:
            grants = [
                grant,
                *(
                    replace(grant, image=image, formats=self._formats(fields, image))
                    for image in images[1:]
                ),
            ]
            issued = await self.site.uploads.issue_all(grants)
            answer: dict[str, object] = {"tokens": [self._described(token) for token in issued]}
        else:
            answer = self._described(await self.site.uploads.issue(grant))
        ignored = suggestions.ignored(
            fields.unknown, sorted(fields.known), suggestions.TOKEN_FIELDS
        )
        await self.respond(
            responses.document(
                {**answer, **({"ignored": ignored} if ignored else {})},
                [("Cache-Control", responses.NO_STORE)],
            )
        )

    def _described(self, token: Token) -> dict[str, object]:
        shrink_to = self.site.token.shrink_to
        return {
            "token": token.token,
            "id": token.image.name,
            "expires_at": numbers.iso_instant(token.expires_at),
            **({"shrink_to": shrink_to} if shrink_to else {}),
        }

    def _authorise(self, fields: Fields) -> Scope:
        """Check the configured secret, or the network of the client if there is none.

        Without a configured secret, ids of applications still need theirs. Raises SecretRefused,
        NetworkRefused and TooManyFailures.
        """
        site, secret = self.site, fields["secret"]
        if site.secret or (secret and site.applications):
            return admin.check_secret(self, secret)
        if self.client not in site.token_networks:
            raise errors.NetworkRefused
        return Scope(outside=site.applications)

    def _may_overwrite(self, scope: Scope) -> bool:
        return bool(self.site.secret or scope.application)

    def _formats(self, fields: Fields, image: ImageId) -> tuple[str, ...]:
        """Return the formats that a token is for; empty for all that the server accepts.

        An application may accept fewer. Raises BadBody.
        """
        application = self.site.applications.of(image.name)
        own = () if application is None else application.formats
        accepted = own or self.site.formats
        formats = fields.get(
            "formats",
            lambda value: (
                isinstance(value, list)
                and bool(value)
                and all(isinstance(each, str) for each in value)
                and {_format(each) for each in value} <= set(accepted)
            ),
            "a list of " + ", ".join(f"`{known}`" for known in accepted),
        )
        return tuple(dict.fromkeys(_format(each) for each in formats)) if formats else own

    def _grant(self, fields: Fields, image: ImageId, scope: Scope) -> Grant:
        formats = self._formats(fields, image)
        overwrite = fields.flag("overwrite")
        if overwrite and not self._may_overwrite(scope):
            raise errors.BadBody(
                "The field `overwrite` needs a secret: set `secret` in the configuration of the "
                "server (not `admin.secrets`), and send it in the field `secret`."
            )
        return Grant(
            image=image,
            lifetime=fields.number("expires_in", 1, LONGEST_LIFE) or self.site.token.lifetime,
            max_bytes=int(fields.number("max_bytes", 1, LARGEST) or 0),
            formats=formats,
            overwrite=overwrite,
            given=records.given(fields, held=self.site.token.held),
        )


def _ids(fields: Fields) -> list[str]:
    """Return the ids of a request for many tokens. Raises BadBody and InvalidId."""
    if "id" in fields:
        raise errors.BadBody("Give `id` or `ids`, not both.")
    ids = fields.get(
        "ids",
        lambda value: isinstance(value, list) and 1 <= len(value) <= MOST,
        f"a list of 1 to {MOST} ids",
    )
    checked: dict[str, None] = {}
    for index, each in enumerate(ids):
        try:
            name = names.check_id(each)
        except errors.InvalidId as error:
            raise errors.InvalidId(f"`ids[{index}]`: {error.public}") from None
        if name in checked:
            raise errors.BadBody(f"`ids[{index}]` repeats an id of the list.")
        checked[name] = None
    return list(checked)


def _format(word: str) -> str:
    """Our name of a format that a client calls by any of its names."""
    return ALIASES.get(word.lower(), word.lower())
