"""GET /_pictures: the list of originals, for holders of an admin secret."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from liveresize import errors
from liveresize.core import numbers, parameters, ports, suggestions
from liveresize.http import descriptions, responses
from liveresize.http.handlers.admin import UNKEEPABLE, authorise
from liveresize.http.handlers.base import Handler
from liveresize.http.scopes import Scope
from liveresize.settings.applications import Application
from liveresize.settings.pictures import ALIASES

PARAMETERS = (
    "prefix", "after", "limit", "uploaded_since", "held", "expiring", "format", "bucket",
)  # fmt: skip

MOST = 1000
USUAL = 100
"""Pictures of a page: at most, and where a request does not say how many."""

_LAST_MOMENT = 10**11
"""Unix seconds of a time far ahead."""

_MOST_LETTERS = 16
"""Letters of the longest name of a format."""

T = TypeVar("T")


class ListHandler(Handler):
    """`/_pictures`."""

    cross_origin = False
    route = "list"

    async def get(self) -> None:
        """Respond with one page, and where the next one begins."""
        scope = authorise(self)
        query = self.request.query
        sent = _first_of_each(query)
        listing, after, limit = _listing(sent), _text(sent, "after"), _limit(sent)
        if scope.application is not None:
            listing = _of_application(listing, scope, scope.application)
        if listing.bucket and not self.site.vip_rules.takes(listing.bucket):
            raise errors.BucketMissing
        page = await self.wait_for(self.site.page(listing, after, limit))
        ignored = suggestions.ignored(parameters.unknown(query, PARAMETERS), PARAMETERS, _OTHERS)
        await self.respond(
            responses.document(
                {
                    "pictures": [descriptions.private(original) for original in page.originals],
                    "next": page.after,
                    **({"ignored": ignored} if ignored else {}),
                },
                [("Cache-Control", responses.NO_STORE)],
            )
        )

    head = get


_OTHERS: Mapping[str, str] = {
    "count": "limit",
    "cursor": "after",
    "expires": "expiring",
    "hidden": "held",
    "keep_until": "expiring",
    "marker": "after",
    "max_keys": "limit",
    "next": "after",
    "page_size": "limit",
    "per_page": "limit",
    "search": "prefix",
    "since": "uploaded_since",
    "starts_with": "prefix",
    "state": "held",
    "status": "held",
}
"""Usual names for the parameters, and ours."""


def _listing(sent: Mapping[str, str]) -> ports.Listing:
    """Return which originals are asked for. Raises BadParameter."""
    return ports.Listing(
        bucket=_text(sent, "bucket"),
        prefix=_text(sent, "prefix"),
        uploaded_since=_parsed(
            sent, "uploaded_since", _moment, "Unix seconds, or an ISO 8601 time with its zone"
        ),
        held=_flag(sent, "held"),
        expiring=_flag(sent, "expiring"),
        format=_parsed(sent, "format", _format, "the name of a format, such as jpeg") or "",
    )


def _of_application(
    listing: ports.Listing, scope: Scope, application: Application
) -> ports.Listing:
    """Return the listing of the pictures of an application. Raises OutsideApplication."""
    if listing.bucket:
        scope.check_everything()
    if not listing.prefix:
        return replace(listing, prefix=application.prefix)
    scope.check_prefix(listing.prefix)
    return listing


def _flag(sent: Mapping[str, str], name: str) -> bool | None:
    return _parsed(sent, name, {"true": True, "false": False}.get, "true or false")


def _limit(sent: Mapping[str, str]) -> int:
    limit = _parsed(sent, "limit", _within, f"a whole number from 1 to {MOST}")
    return USUAL if limit is None else limit


def _first_of_each(query: str) -> dict[str, str]:
    """Return the decoded values of known parameters that are not empty, the first of each.

    Raises MalformedUrl.
    """
    sent: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, raw = pair.partition("=")
        if name in PARAMETERS and name not in sent:
            sent[name] = parameters.percent_decode(raw)
    return {name: text for name, text in sent.items() if text}


def _text(sent: Mapping[str, str], name: str) -> str:
    text = sent.get(name, "")
    if UNKEEPABLE.search(text):
        raise errors.BadParameter(f"The parameter `{name}` holds a character that no name has.")
    return text


def _parsed(
    sent: Mapping[str, str], name: str, parse: Callable[[str], T | None], allowed: str
) -> T | None:
    """Return the value of a parameter; None if it was not sent. Raises BadParameter."""
    if name not in sent:
        return None
    value = parse(sent[name])
    if value is None:
        raise errors.BadParameter(f"The parameter `{name}` must be {allowed}.")
    return value


def _moment(text: str) -> float | None:
    seconds = numbers.whole(text, _LAST_MOMENT)
    return numbers.instant(text) if seconds is None else seconds


def _within(text: str) -> int | None:
    limit = numbers.whole(text)
    return limit if limit is not None and 1 <= limit <= MOST else None


def _format(text: str) -> str | None:
    word = text.lower()
    if not (word.isascii() and word.isalnum() and len(word) <= _MOST_LETTERS):
        return None
    return ALIASES.get(word, word)
