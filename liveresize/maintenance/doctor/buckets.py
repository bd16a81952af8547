"""Check of the buckets: put, get and delete an object, and get it as clients do."""

import asyncio
import contextlib
import email.utils
import ipaddress
import secrets
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import aiohttp

from liveresize import errors
from liveresize.maintenance.doctor.findings import Finding, ok, problem, warning
from liveresize.storage.bucket_health import trusting
from liveresize.storage.objects import Objects

_BODY = b"Put here by `liveresize doctor`, which takes it away again.\n"

_BUDGET = 10.0
"""Seconds for one request as a client."""

_PRESIGNED = 60
"""The lifetime in seconds of the presigned URL that is tried."""

_AHEAD = 60.0
"""The difference of two clocks in seconds above which presigned URLs may fail; a store refuses
requests that are 15 minutes off."""

_CREDENTIALS = "Check aws.access_key, aws.secret_key, aws.region and what they may do there."


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket: the setting that names it, its name, and the prefix of its keys.

    `delivery` is how clients get its objects: redirect, presign, or empty if they do not.
    `public` is the URL that they are redirected to; empty is that of the store. `ca` is the file
    of a CA of the operator's own.
    """

    key: str
    name: str
    prefix: str = ""
    delivery: str = ""
    public: str = ""
    ca: str = ""


async def look(objects: Objects, buckets: list[Bucket]) -> list[Finding]:
    """Check the buckets. `objects` is started and closed here."""
    try:
        await objects.start()
    except errors.SettingsError as error:
        await objects.close()
        return [problem("aws", error.public, _CREDENTIALS)]
    try:
        findings = [finding for each in buckets async for finding in _examine(objects, each)]
        if buckets:
            findings += [each async for each in _clock(objects.address(buckets[0].name))]
        return findings
    finally:
        await objects.close()


async def _examine(objects: Objects, bucket: Bucket) -> AsyncIterator[Finding]:
    key = f"{bucket.prefix}_doctor/{secrets.token_hex(8)}.txt"
    part = f"{bucket.key} ({bucket.name})"
    began = time.perf_counter()
    try:
        try:
            await objects.put_bytes(bucket.name, key, _BODY, mime="text/plain")
        except errors.ObjectStoreUnavailable as error:
            do = objects.advice(error) or _CREDENTIALS
            yield problem(part, f"Nothing can be put there: {error.detail}.", do)
            return
        yield ok(part, f"An object is put in {1000 * (time.perf_counter() - began):.0f} ms.")
        if objects.checksums_refused:
            yield warning(
                part,
                "The store refuses checksums of S3; objects are put without.",
                "Set aws.checksums to never, which spares the attempt after each start.",
            )
        async for finding in _read_back(objects, bucket, key, part):
            yield finding
    finally:
        removed = await _remove(objects, bucket.name, key)
    if removed:
        yield ok(part, "What was put there is removed again.")
    else:
        yield problem(
            part,
            f"{key} cannot be removed.",
            "Allow s3:DeleteObject, or what is deleted here stays there; remove that object.",
        )


async def _read_back(
    objects: Objects, bucket: Bucket, key: str, part: str
) -> AsyncIterator[Finding]:
    try:
        same = await objects.read(bucket.name, key) == _BODY
        head = await objects.head(bucket.name, key)
    except errors.ObjectStoreUnavailable as error:
        do = objects.advice(error) or "Allow s3:GetObject."
        yield problem(part, f"It cannot be read: {error.detail}.", do)
        return
    if not same or head is None or head.size != len(_BODY):
        yield problem(
            part,
            "It does not give back what was put there.",
            "Correct aws.endpoint_url if what answers there is no store; else see what stands in "
            "between.",
        )
        return
    yield ok(part, "What was put there can be read.")
    if bucket.delivery == "presign":
        yield await _visit_signed(objects, bucket, key, part)
    elif bucket.delivery == "redirect":
        yield await _visit_public(objects, bucket, key, part)
    if bucket.delivery in ("redirect", "presign"):
        async for finding in _reachable(_public_address(objects, bucket), part):
            yield finding


def _public_address(objects: Objects, bucket: Bucket) -> str:
    return bucket.public.rstrip("/") or objects.address(bucket.name)


async def _reachable(address: str, part: str) -> AsyncIterator[Finding]:
    """Warn of an address that only clients of a private network can reach."""
    host = urlsplit(address).hostname or ""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None)
    except OSError:
        return  # the visit has said so
    if all(ipaddress.ip_address(str(each[4][0]).partition("%")[0]).is_private for each in found):
        yield warning(
            part,
            f"Clients are sent to {address}, which is an address of a private network.",
            "If clients are elsewhere, set aws.cache_host to an address that they can reach, or "
            "delivery to proxy.",
        )


async def _visit_public(objects: Objects, bucket: Bucket, key: str, part: str) -> Finding:
    address = _public_address(objects, bucket)
    url = f"{address}/{quote(key, safe='/')}"
    failure = await _visit(url)
    if not failure:
        return ok(part, f"Clients can read it at {address}.")
    if bucket.ca and not await _visit(url, trusting(bucket.ca)):
        return warning(
            part,
            f"Clients can read it at {address} only if they trust the CA of aws.ca.",
            "Set aws.cache_host to an address with a public certificate, or delivery to proxy, "
            "unless all your clients know that CA.",
        )
    return problem(
        part,
        f"Clients are redirected to {address}, which does not show them the object: {failure}.",
        "Make the bucket public, correct aws.cache_host, or set delivery to presign or proxy.",
    )


async def _visit_signed(objects: Objects, bucket: Bucket, key: str, part: str) -> Finding:
    if not objects.can_sign:
        return problem(part, "There are no credentials to sign addresses with.", _CREDENTIALS)
    failure = await _visit(objects.presigned(bucket.name, key, _PRESIGNED))
    if not failure:
        return ok(part, "A signed address opens the object.")
    return problem(
        part,
        f"A signed address does not open the object: {failure}.",
        "Set aws.region to that of the bucket, and check this machine's clock.",
    )


async def _visit(url: str, trusted: ssl.SSLContext | bool = True) -> str:
    """Request a URL as clients do; return what is wrong, or an empty text."""

    async def ask(session: aiohttp.ClientSession) -> str:
        async with session.get(url, allow_redirects=False) as response:
            if response.status != 200:
                return f"it answers {response.status}"
            return "" if await response.read() == _BODY else "it answers something else"

    return await _with_session(ask, trusted)


async def _with_session(
    send: Callable[[aiohttp.ClientSession], Awaitable[str]], trusted: ssl.SSLContext | bool = True
) -> str:
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=_BUDGET),
        trust_env=True,
        connector=aiohttp.TCPConnector(ssl=trusted),
    ) as session:
        try:
            return await send(session)
        except (aiohttp.ClientError, OSError) as error:
            return f"it cannot be reached ({type(error).__name__})"


async def _remove(objects: Objects, bucket: str, key: str) -> bool:
    """Remove an object; return whether it is gone."""
    with contextlib.suppress(errors.LiveResizeError):
        await objects.remove(bucket, [key])
        return await objects.head(bucket, key) is None
    return False


async def _clock(address: str) -> AsyncIterator[Finding]:
    """Compare the clock of the store with ours, by the `Date` of any response."""
    date = ""

    async def ask(session: aiohttp.ClientSession) -> str:
        nonlocal date
        async with session.head(address, allow_redirects=False) as response:
            date = response.headers.get("Date", "")
        return ""

    await _with_session(ask)
    try:
        ahead = email.utils.parsedate_to_datetime(date).timestamp() - time.time()
    except ValueError:
        return
    if abs(ahead) > _AHEAD:
        yield problem(
            "aws",
            f"Its clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} ours.",
            "Have this machine keep time with NTP: a store refuses requests that are "
            "15 minutes off.",
        )
    else:
        yield ok("aws", "Its clock is ours, to the second that it tells.")
