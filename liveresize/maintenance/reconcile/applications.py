"""Count what the pictures of each application take, and correct what the index says of it."""

from liveresize.core import ports
from liveresize.maintenance.reconcile.findings import Kind, Report
from liveresize.settings.applications import Applications

_PAGE = 5_000
"""Pictures that one transaction counts."""


async def compare(
    applications: Applications, use: ports.ApplicationUse, report: Report, *, repair: bool
) -> None:
    """Count anew. Differences come from instances of an earlier release, or without the
    application in their settings. Raises IndexUnavailable."""
    for each in applications:
        await use.restart(each.prefix)
        while (counted := await use.count(each.prefix, _PAGE, repair=repair)) is None:
            pass
        report.looked["applications"] += 1
        before, after = counted.before, counted.after
        if before != after and before.pictures is not None:
            what = f"{each.name} ({_words(before)} recorded, {_words(after)} found)"
            report.add(Kind.COUNT, what, repaired=repair)


def _words(use: ports.Use) -> str:
    return f"{use.pictures} pictures of {use.bytes} bytes"
