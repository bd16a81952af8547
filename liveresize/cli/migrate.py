"""The command `migrate`: update the database."""

import click

from liveresize.cli import options


@click.command()
@options.JSON
def migrate(as_json: bool) -> None:
    """Update the database to the schema of this release.

    `serve` does this, too. Run this command before a roll-out to do it only once.
    """
    settings = options.load()
    import asyncio

    from liveresize.app import container

    asyncio.run(container.migrate(settings))
    options.report(as_json, {"migrated": True}, "The database has the schema of this release.")
