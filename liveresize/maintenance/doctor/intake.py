"""Check of the programs that are asked about uploads: whether they answer."""

import aiohttp

from liveresize.intake.clamd import Clamd
from liveresize.intake.hook import HookFailed
from liveresize.maintenance.doctor.findings import Finding, ok, problem
from liveresize.settings.server import Intake

_REFUSED = "Until then uploads are what intake.on_failure says: {}."


async def look(settings: Intake) -> list[Finding]:
    """Everything about the hooks that are configured."""
    found = []
    if settings.clamd:
        found.append(await _clamd(settings))
    if settings.http:
        found.append(await _http(settings))
    return found or [ok("intake", "No program is asked about uploads.")]


async def _clamd(settings: Intake) -> Finding:
    try:
        await Clamd(settings.clamd, timeout=settings.timeout).ping()
    except HookFailed as failure:
        return problem(
            "intake.clamd",
            f"clamd does not answer at {settings.clamd} ({failure}).",
            "Start it, and see that this user may use its socket, or correct intake.clamd. "
            + _REFUSED.format(settings.on_failure),
        )
    return ok("intake.clamd", f"clamd answers at {settings.clamd}.")


async def _http(settings: Intake) -> Finding:
    """Ask without a picture; whatever it says to that, it answers."""
    try:
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=settings.timeout), trust_env=False
            ) as session,
            session.options(settings.http, allow_redirects=False) as answer,
        ):
            status = answer.status
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return problem(
            "intake.http",
            f"The application at intake.http does not answer ({type(error).__name__}).",
            "Start it, or correct intake.http. " + _REFUSED.format(settings.on_failure),
        )
    return ok("intake.http", f"The application at intake.http answers (status {status}).")
