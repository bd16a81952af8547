"""The command `check-config`: show the settings in force."""

import click

from liveresize.cli import options


@click.command("check-config")
@options.above_settings
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option("--changed", is_flag=True, help="Show only settings that differ from the defaults.")
def check_config(as_json: bool, changed: bool) -> None:
    """Show every setting and where its value comes from.

    Secrets are masked. Exits with 1 if the server would not start with these settings.

    \b
    Examples:
      liveresize check-config
      liveresize check-config --changed
      liveresize check-config --port 8080 --studio
      NODE_ENV=production liveresize check-config --json
    """
    from liveresize import config as settings
    from liveresize.app import container

    in_force = options.load()
    report = settings.as_json if as_json else settings.table
    click.echo(report(in_force, changed))
    container.check(in_force)
