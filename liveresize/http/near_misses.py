"""Say what a wrong URL may have meant, if that is a picture which anybody may see."""

from collections.abc import Callable, Collection

from liveresize import errors
from liveresize.core import near_urls
from liveresize.core.near_urls import NearUrl
from liveresize.core.rates import Rate, Rates
from liveresize.delivery.pictures import Pictures
from liveresize.http.request_parser import RequestParser

_RATE = Rate(per_second=5, burst=100)
"""URLs of one client that are looked into: beyond that its errors cost as much as ever."""

_NOBODY = "-"
"""The client behind a proxy that is not listed."""

Wrong = errors.OriginalMissing | errors.MalformedUrl


class NearMisses:
    """Finds the picture that a wrong URL is nearly one of.

    A URL is suggested only if a GET of it would be answered, without a signature: it must be
    allowed, and the original public and known to the index.
    """

    def __init__(
        self, pictures: Pictures, request_parser: RequestParser, monotonic: Callable[[], float]
    ) -> None:
        self._pictures = pictures
        self._request_parser = request_parser
        self._rates = Rates(_RATE, monotonic)

    async def explained(
        self, error: Wrong, target: str, client: str, asked: Collection[str] = ()
    ) -> Wrong:
        """Return the error to answer: one with a suggestion, or the same where there is none.

        `asked` are the names that the index has been asked for.
        """
        path = target.partition("?")[0]
        if isinstance(error, errors.BucketMissing) or (asked and "/" in path[1:]):
            return error  # a path of a bucket
        for near in self._worth_asking(path, client, asked):
            if await self._pictures.is_shown(near.image):
                return _with_suggestion(error, near)
        return error

    def _worth_asking(self, path: str, client: str, asked: Collection[str]) -> list[NearUrl]:
        """Return the candidates that are allowed; none for a client over its rate."""
        allowed = [
            near
            for near in near_urls.candidates(path, asked, jxl=self._request_parser.makes_jxl)
            if self._request_parser.is_open(near.path)
        ]
        if allowed:
            try:
                self._rates.charge(client or _NOBODY)
            except errors.RateLimited:
                return []
        return allowed


def _with_suggestion(error: Wrong, near: NearUrl) -> Wrong:
    if near.wrong_extension:
        error = errors.MalformedUrl(f"The extension `.{near.wrong_extension}` is not one we make.")
    sentence = f"{error.public} Did you mean `{near.path}`?"
    return type(error)(sentence, error.detail, {"did_you_mean": near.path})
