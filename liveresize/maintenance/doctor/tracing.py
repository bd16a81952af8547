"""Check of the collector that spans are exported to: whether it takes some."""

import aiohttp

from liveresize.maintenance.doctor.findings import Finding, ok, warning
from liveresize.settings.backends import Tracing

_SECONDS = 5.0
_PROTOBUF = {"Content-Type": "application/x-protobuf"}


async def look(settings: Tracing) -> list[Finding]:
    """Send no spans, as they are sent: a collector answers that with success."""
    if not settings.on:
        return [ok("tracing", "No spans are exported.")]
    try:
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=_SECONDS), trust_env=False
            ) as session,
            session.post(
                settings.collector,
                data=b"",
                headers={**settings.headers, **_PROTOBUF},
                allow_redirects=False,
            ) as answer,
        ):
            said = f"status {answer.status}"
            if answer.status == 200:
                return [ok("tracing.endpoint", "The collector of traces takes spans.")]
    except (aiohttp.ClientError, OSError, ValueError) as error:
        said = type(error).__name__
    return [
        warning(
            "tracing.endpoint",
            f"The collector of traces takes no spans ({said}).",
            "Start it, or correct tracing.endpoint, which has its path, and tracing.headers. Until "
            "then spans are lost, and images are served.",
        )
    ]
