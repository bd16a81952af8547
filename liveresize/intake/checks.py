"""Ask all hooks about an upload, and say what becomes of it."""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from liveresize import errors
from liveresize.core import ports
from liveresize.core.events import Kind
from liveresize.core.originals import Original
from liveresize.intake.hook import Hook, HookFailed, Upload
from liveresize.observe.metrics import intake as metrics
from liveresize.observe.tracing import spans

_log = structlog.get_logger("liveresize.intake")

REFUSE, HOLD, TAKE = "refuse", "hold", "take"


class IntakeChecks:
    """The hooks, in their order; without any, every upload is taken.

    `on_failure` is what becomes of an upload about which a hook has said nothing.
    """

    def __init__(
        self,
        hooks: Sequence[Hook],
        *,
        on_failure: str,
        events: ports.Events,
        peers: ports.Peers,
        clock: ports.Clock,
    ) -> None:
        self._hooks = hooks
        self._on_failure = on_failure
        self._events = events
        self._peers = peers
        self._clock = clock

    async def check(self, upload: Upload) -> bool:
        """Ask each hook; return whether the picture is to be held.

        Raises Refused and Overload.
        """
        held = False
        for hook in self._hooks:
            try:
                with (
                    metrics.asked(hook.name) as outcome,
                    spans.measured("hook", attributes={"liveresize.hook": hook.name}),
                ):
                    reason = await hook.check(upload)
                    outcome.refused = bool(reason)
            except HookFailed as failure:
                held |= await self._failed(hook, upload.original, str(failure))
                continue
            if reason:
                await self._refuse(hook, upload.original, reason, "rejected")
        return held

    async def _failed(self, hook: Hook, original: Original, reason: str) -> bool:
        """Do what is set; return whether the picture is to be held."""
        action = self._on_failure
        if action == HOLD and await self._peers.older():
            action = REFUSE  # an instance of 1.0.0 would show it
        _log.warning(
            "intake_failed",
            image_id=original.image.key,
            hook=hook.name,
            error=reason,
            action=action,
        )
        if action == REFUSE:
            await self._refuse(hook, original, reason, "unchecked")
        return action == HOLD

    async def _refuse(self, hook: Hook, original: Original, reason: str, cause: str) -> None:
        """Tell readers of events and the log, and raise Refused."""
        _log.info(
            "picture_refused",
            image_id=original.image.key,
            hook=hook.name,
            error=reason,
            cause=cause,
        )
        refused = replace(original, uploaded_at=self._clock.time())
        try:
            more = {"hook": hook.name, "reason": reason, "cause": cause}
            await self._events.add(Kind.REFUSED, refused, more)
        except errors.IndexUnavailable as error:
            _log.error("refusal_not_told", image_id=original.image.key, error=error.detail)
        raise errors.Refused("", f"{hook.name}: {reason}", cause)

    async def close(self) -> None:
        """Close every connection."""
        for hook in self._hooks:
            await hook.close()
