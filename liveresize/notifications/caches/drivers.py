"""How each kind of cache is told. All calls may be repeated without harm."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

from liveresize import __version__, errors
from liveresize.notifications.caches.batches import Batches
from liveresize.notifications.caches.client import CacheClient
from liveresize.notifications.caches.stale import Stale
from liveresize.settings.caches import Cache

_USER_AGENT = f"liveresize/{__version__}"

_PLAIN = {"User-Agent": _USER_AGENT}
_JSON = {**_PLAIN, "Content-Type": "application/json"}

_MOST_OF_CLOUDFLARE = 100
"""Operations in one call, on all plans."""

_MOST_OF_FASTLY = 256
"""Keys in one call."""

_RESET_OF_FASTLY = "Fastly-RateLimit-Reset"


class Driver(Protocol):
    """Tells one cache. `at_once` is how many pictures it is worth telling of at a time."""

    at_once: int

    async def purge(self, stale: Stale) -> None:
        """Return when the cache has confirmed. Raises CacheUnavailable."""

    async def close(self) -> None:
        """Close every connection."""


class Cloudflare:
    """`POST /client/v4/zones/{zone}/purge_cache`: by tags, prefixes or URLs, 100 in a call.

    Tags and prefixes have a limit of calls (5 a minute on the free plan), so that what happens
    together is told of together. `objects` is where clients find the bucket: objects have no tags
    there, and are purged by the prefix of their URLs.
    """

    at_once = _MOST_OF_CLOUDFLARE

    def __init__(self, cache: Cache, client: CacheClient) -> None:
        self._cache = cache
        self._client = client
        self._url = f"{cache.api.rstrip('/')}/client/v4/zones/{cache.zone}/purge_cache"
        self._headers = {**_JSON, "Authorization": f"Bearer {cache.token}"}
        self._tags, self._prefixes, self._files = (
            Batches(_MOST_OF_CLOUDFLARE, self._sender(what))
            for what in ("tags", "prefixes", "files")
        )

    async def purge(self, stale: Stale) -> None:
        """See Driver."""
        cache = self._cache
        if cache.by == "tags":
            await self._tags.add([stale.tag])
        elif cache.by == "prefixes":
            site = _bare(cache.site)
            await self._prefixes.add([site + path for path in stale.prefixes()])
        else:
            await self._files.add(_urls(cache, stale))
        if cache.objects and not stale.in_bucket:
            await self._prefixes.add([f"{_bare(cache.objects)}{stale.path}/"])

    async def close(self) -> None:
        """Close every connection."""
        for batches in (self._tags, self._prefixes, self._files):
            await batches.close()
        await self._client.close()

    def _sender(self, what: str) -> Callable[[Sequence[str]], Any]:
        async def send(keys: Sequence[str]) -> None:
            body = json.dumps({what: list(keys)}).encode()
            answer = await self._client.send("POST", self._url, self._headers, body)
            if not _succeeded(answer):
                raise errors.CacheUnavailable("", "it did not say `success`")

        return send


def _succeeded(answer: bytes) -> bool:
    try:
        document: Any = json.loads(answer)
    except ValueError:
        return False
    return isinstance(document, dict) and document.get("success") is True


class Fastly:
    """`POST /service/{service}/purge` with up to 256 surrogate keys."""

    at_once = _MOST_OF_FASTLY

    def __init__(self, cache: Cache, client: CacheClient) -> None:
        self._client = client
        self._url = f"{cache.api.rstrip('/')}/service/{cache.service}/purge"
        soft = {"Fastly-Soft-Purge": "1"} if cache.soft else {}
        self._headers = {**_JSON, **soft, "Fastly-Key": cache.token, "Accept": "application/json"}
        self._keys = Batches(_MOST_OF_FASTLY, self._send)

    async def purge(self, stale: Stale) -> None:
        """See Driver."""
        await self._keys.add([stale.tag])

    async def close(self) -> None:
        """Close every connection."""
        await self._keys.close()
        await self._client.close()

    async def _send(self, keys: Sequence[str]) -> None:
        body = json.dumps({"surrogate_keys": list(keys)}).encode()
        await self._client.send("POST", self._url, self._headers, body)


class Varnish:
    """`BAN` with the tag in a header, or `PURGE` of each URL; every server of `urls` is told."""

    at_once = 4

    def __init__(self, cache: Cache, client: CacheClient) -> None:
        self._cache = cache
        self._client = client

    async def purge(self, stale: Stale) -> None:
        """See Driver."""
        cache = self._cache
        for url in cache.urls:
            if cache.method == "BAN":
                await self._client.send("BAN", url, {**_PLAIN, cache.header: stale.tag})
                continue
            headers = {**_PLAIN, "Host": _bare(cache.site).partition("/")[0]}
            for path in _paths(cache, stale):
                await self._client.send("PURGE", f"{url.rstrip('/')}{path}", headers)

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()


class Template:
    """Any request: `{tag}`, `{name}` and `{url}` are filled in, with `{url}` one for each URL."""

    at_once = 4

    def __init__(self, cache: Cache, client: CacheClient) -> None:
        self._cache = cache
        self._client = client

    async def purge(self, stale: Stale) -> None:
        """See Driver."""
        cache = self._cache
        for url in _urls(cache, stale) if cache.by_url else [""]:
            given = {"{tag}": stale.tag, "{name}": stale.name, "{url}": url}
            await self._client.send(
                cache.method,
                _filled(cache.url, given),
                {**_PLAIN, **{name: _filled(text, given) for name, text in cache.headers.items()}},
                _filled(cache.body, given).encode(),
            )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()


def make(cache: Cache, timeout: float) -> Driver:
    """Return the driver of a cache."""
    if cache.driver == "cloudflare":
        return Cloudflare(cache, CacheClient(timeout=timeout))
    if cache.driver == "fastly":
        return Fastly(cache, CacheClient(timeout=timeout, reset=_RESET_OF_FASTLY))
    if cache.driver == "varnish":
        return Varnish(cache, CacheClient(timeout=timeout))
    return Template(cache, CacheClient(timeout=timeout))


def _filled(template: str, given: Mapping[str, str]) -> str:
    for name, value in given.items():
        template = template.replace(name, value)
    return template


def _bare(url: str) -> str:
    """Return a URL without its scheme, and without a slash at the end."""
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}".rstrip("/")


def _paths(cache: Cache, stale: Stale) -> list[str]:
    """Return the paths with that of the site in front."""
    base = urlsplit(cache.site).path.rstrip("/")
    return [base + path for path in stale.paths(cache.paths)]


def _urls(cache: Cache, stale: Stale) -> list[str]:
    site = cache.site.rstrip("/")
    return [site + path for path in stale.paths(cache.paths)]
