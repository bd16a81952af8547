"""PATCH of a picture, and the fields of requests that say something of one."""

import json
import re
import time
from typing import Any

from liveresize import errors
from liveresize.compat.vip import requests as vip
from liveresize.core import names, numbers, parameters, records, suggestions
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.core.records import UNCHANGED, Change, Focus, Given
from liveresize.http import conditions, descriptions, responses
from liveresize.http.handlers import admin
from liveresize.http.handlers.bodies import Fields, JsonHandler
from liveresize.http.scopes import Scope

GIVEN = ("focus", "meta", "held", "keep_until", "claim_within")
"""What a token may say of its picture."""

CHANGES = ("focus", "meta", "held", "keep_until", "claimed")
"""What can be changed of a picture."""

LONGEST_CLAIM = 2_592_000.0
"""Seconds of the longest `claim_within`: 30 days."""

_LATEST = 253_402_300_799.0
"""The last second of the year 9999."""

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL in JSON text: valid there, and not in the databases of those who read it."""


def given(fields: Fields, *, held: bool) -> Given:
    """Return what a token says of its picture; `held` is the rule of the settings.

    Raises BadBody.
    """
    return Given(
        focus=_focus(fields),
        meta=_meta(fields),
        held=fields.flag("held") or held,
        keep_until=_keep_until(fields),
        claim_within=fields.number("claim_within", 1, LONGEST_CLAIM),
    )


def change(fields: Fields) -> Change:
    """Return the change that a request asks for. Raises BadBody."""
    sent = [name for name in CHANGES if fields.sent(name)]
    if not sent:
        expected = "Give at least one of " + ", ".join(f"`{name}`" for name in CHANGES)
        ignored = "".join(f", not {name}" for name in _ignored(fields)[:1])
        raise errors.BadBody(f"{expected}{ignored}.")
    for name in ("held", "claimed"):
        if name in sent and fields[name] is None:
            raise errors.BadBody(f"The field `{name}` must not be null.")
    if "claimed" in sent and not fields.flag("claimed"):
        raise errors.BadBody("The field `claimed` must be true: a claim is not taken back.")
    return Change(
        focus=_focus(fields) if "focus" in sent else UNCHANGED,
        meta=_meta(fields) if "meta" in sent else UNCHANGED,
        held=fields.flag("held") if "held" in sent else UNCHANGED,
        keep_until=_keep_until(fields) if "keep_until" in sent else UNCHANGED,
        claimed="claimed" in sent,
    )


def _ignored(fields: Fields) -> list[str]:
    """Describe the fields that are none of a change."""
    unknown = [name for name in fields.unknown if name != "secret"]
    return suggestions.ignored(unknown, CHANGES, suggestions.RECORD_FIELDS)


def _focus(fields: Fields) -> Focus | None:
    value = fields.get("focus", _is_point, "a list of two numbers from 0 to 1, `[x, y]`")
    return None if value is None else (round(value[0] * 1000), round(value[1] * 1000))


def _is_point(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(side, int | float) and not isinstance(side, bool) for side in value)
        and all(0 <= side <= 1 for side in value)
    )


def _meta(fields: Fields) -> str:
    """Return `meta` as compact JSON text; empty if there is none."""
    value = fields.get("meta", lambda value: isinstance(value, dict), "a JSON object")
    if value is None:
        return ""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        size = len(text.encode())
    except (ValueError, RecursionError):  # surrogates without their other half, for one
        raise errors.BadBody("The field `meta` must be JSON that can be stored.") from None
    if size > records.MAX_META:
        raise errors.BadBody(
            f"The field `meta` must have at most {records.MAX_META} bytes; it has {size}."
        )
    if _NUL.search(text):
        raise errors.BadBody("The field `meta` must not contain the character NUL.")
    return text


def _keep_until(fields: Fields) -> float | None:
    text = fields.string("keep_until")
    if text is None:
        return None
    instant = numbers.instant(text)
    if instant is None or instant > _LATEST:
        raise errors.BadBody(
            "The field `keep_until` must be an ISO 8601 time with its zone, or null."
        )
    if instant <= time.time():
        raise errors.BadBody("The field `keep_until` must be in the future.")
    return instant


class PatchHandler(JsonHandler):
    """`PATCH /{name}`, and `PATCH /{bucket}/{id}`."""

    cross_origin = False
    route = "patch"

    async def start(self) -> None:
        """Check an admin secret before the body is read; the other secret is in the body.

        Raises AdminDisabled, SecretRefused and TooManyFailures.
        """
        self._scope: Scope | None = None
        if "Authorization" in self.request.headers or not self._takes_secret():
            self._scope = admin.authorise(self)

    def _takes_secret(self) -> bool:
        """Whether a secret of /token will do; for pictures of buckets it will not."""
        given = bool(self.site.secret or self.site.applications)
        return given and "/" not in self.request.path[1:]

    async def patch(self) -> None:
        """See BodyHandler."""
        await self.post()

    async def handle(self, fields: Fields) -> None:
        """Change what is recorded, and respond with all that is known of the picture."""
        scope = self._scope or admin.check_secret(self, fields["secret"])
        changed = await self._change(change(fields), scope)
        ignored = _ignored(fields)
        await self.respond(
            responses.document(
                {**descriptions.private(changed), **({"ignored": ignored} if ignored else {})},
                [("Cache-Control", responses.NO_STORE)],
            )
        )

    async def _change(self, wanted: Change, scope: Scope) -> Original:
        """Change the picture of that name, or of the name without its extension."""
        path, versions = self.request.path, self._versions()
        changes, pictures = self.site.changes, self.site.pictures
        if "/" in path[1:]:
            image = vip.image(path, self.site.vip_rules)
        else:
            image = ImageId(names.check_name(parameters.percent_decode(path[1:])))
            stem, suffix = names.split_suffix(image.name)
        scope.check(image)
        self.application_name = self.site.applications.label(image.key)
        try:
            return await changes.change(image, wanted, versions)
        except errors.OriginalMissing:
            if not image.bucket and suffix and scope.covers(ImageId(stem)):
                image = ImageId(stem)
        # Nobody may have asked yet for what another service has left; a lookup adopts it.
        await pictures.original(image, hidden=True)
        return await changes.change(image, wanted, versions)

    def _versions(self) -> frozenset[str] | None:
        """Return the versions that `If-Match` allows; None for all. Raises BadBody."""
        header = self.request.headers.get("If-Match")
        return None if header is None else conditions.matching(header)
