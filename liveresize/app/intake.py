"""The hooks that are asked about uploads, as they are configured."""

import time

from liveresize.core.ports import Renderer
from liveresize.intake.checks import IntakeChecks
from liveresize.intake.clamd import Clamd
from liveresize.intake.hook import Hook
from liveresize.settings.server import Intake
from liveresize.storage.index.sql_index import DatabaseIndex


def checks(settings: Intake, index: DatabaseIndex, renderer: Renderer) -> IntakeChecks:
    """Return what asks them; what speaks HTTP is imported only where it is used."""
    hooks: list[Hook] = []
    if settings.clamd:
        hooks.append(Clamd(settings.clamd, timeout=settings.timeout))
    if settings.http:
        from liveresize.intake.preview import HttpHook

        hooks.append(HttpHook(settings.http, timeout=settings.timeout, renderer=renderer))
    return IntakeChecks(
        hooks,
        on_failure=settings.on_failure,
        events=index.events,
        peers=index.peers,
        clock=time,
    )
