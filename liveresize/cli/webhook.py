"""The command `webhook`: tell a webhook again."""

import datetime

import click

from liveresize.cli import options


@click.group()
def webhook() -> None:
    """Look after webhooks."""


@webhook.command()
@click.option(
    "--since",
    required=True,
    metavar="TIME",
    help="Events since then: a time such as 2026-11-30T12:00Z, or an age such as 90m, 12h, 3d.",
)
@click.option(
    "--endpoint",
    default="",
    metavar="NAME",
    help="A name in webhook.endpoints, or `application:` and that of an application; without it, "
    "the webhook of webhook.url.",
)
@options.JSON
def replay(since: str, endpoint: str, as_json: bool) -> None:
    """Send events to a webhook once more, for example after it has lost its data.

    The servers send them, with the ids of the first time. Events are kept for
    webhook.keep_days.

    \b
    Examples:
      liveresize webhook replay --since 12h
      liveresize webhook replay --since 2026-11-30T08:00Z --endpoint search
    """
    at = _time(since)
    settings = options.load()
    import asyncio

    from liveresize.app import webhook as receivers

    replayed = asyncio.run(receivers.replay(settings, endpoint, at))
    events = "1 event" if replayed == 1 else f"{replayed} events"
    options.report(
        as_json, {"replayed": replayed}, f"Queued {events}; a running server sends them."
    )


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _time(text: str) -> float:
    """Return a time in Unix seconds. Raises BadParameter."""
    if text[-1:] in _UNITS and text[:-1].isdigit() and len(text) < 12:
        now = datetime.datetime.now(datetime.UTC).timestamp()
        return now - int(text[:-1]) * _UNITS[text[-1]]
    try:
        when = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            "give a time such as 2026-11-30T12:00Z, or an age such as 90m, 12h or 3d",
            param_hint="--since",
        ) from None
    return (when if when.tzinfo else when.astimezone()).timestamp()
