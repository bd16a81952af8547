"""The command `expiry`: whether pictures expire, pause that, and go on."""

import click

from liveresize.cli import options


@click.group()
def expiry() -> None:
    """Show, pause and resume the expiry of images (`claim_within`, `keep_until`).

    These commands change the database, for all instances. After a restore of the database the
    instances pause expiry by themselves, because claims since the backup are missing.

    \b
    Examples:
      liveresize expiry status
      liveresize expiry resume
    """


@expiry.command()
@options.JSON
def status(as_json: bool) -> None:
    """Show whether expiry is paused."""
    import asyncio

    from liveresize.app import maintenance
    from liveresize.core import numbers

    at = asyncio.run(maintenance.expiry_paused_at(options.load()))
    since = None if at is None else numbers.iso_instant(at)
    options.report(
        as_json,
        {"paused_since": since},
        f"Expiry is paused since {since}." if since else "Expiry is not paused.",
    )


@expiry.command()
@options.JSON
def pause(as_json: bool) -> None:
    """Pause expiry: before or after a restore that no instance notices."""
    import asyncio

    from liveresize.app import maintenance

    asyncio.run(maintenance.pause_expiry(options.load()))
    options.report(as_json, {"paused": True}, "Expiry is paused.")


@expiry.command()
@options.JSON
def resume(as_json: bool) -> None:
    """End the pause: what is overdue expires within a minute."""
    import asyncio

    from liveresize.app import maintenance

    ended = asyncio.run(maintenance.resume_expiry(options.load()))
    options.report(
        as_json,
        {"resumed": ended},
        "Expiry goes on." if ended else "Expiry was not paused.",
    )
