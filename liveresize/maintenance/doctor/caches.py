"""Check of the caches in front: tell each to drop a picture that nobody has."""

from collections.abc import AsyncIterator

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.maintenance.doctor.findings import Finding, ok, problem
from liveresize.notifications.caches import drivers, stale
from liveresize.settings.caches import Cache, Cdn

_NOBODY = ImageId("_doctor")
"""No picture can have this name."""

_WHAT_TO_DO = {
    "cloudflare": "Check `zone`, and that the token has the permission Cache Purge for it.",
    "fastly": "Check `service`, and that the token has the scope purge_select for it.",
    "varnish": "Check `urls`, and that the VCL takes the method from this machine: see "
    "deploy/varnish.",
    "http": "Check `url`, `method` and `headers`.",
}


async def look(cdn: Cdn) -> list[Finding]:
    """Check every cache of `cdn.purge`."""
    return [finding async for finding in _all(cdn)]


async def _all(cdn: Cdn) -> AsyncIterator[Finding]:
    if not cdn.caches:
        yield ok("cdn.purge", "It is empty: no cache is told of changes.")
    for cache in cdn.caches:
        yield await _examine(cache, cdn.timeout)


async def _examine(cache: Cache, seconds: float) -> Finding:
    part = f"cdn.purge ({cache.name})"
    driver = drivers.make(cache, seconds)
    try:
        await driver.purge(stale.picture(_NOBODY))
    except errors.CacheUnavailable as error:
        what = f"It does not confirm that it drops a picture: {error.detail}."
        return problem(part, what, _WHAT_TO_DO[cache.driver])
    finally:
        await driver.close()
    return ok(part, "It confirms that it drops a picture.")
