"""The command `serve`: run the server."""

import sys
from typing import NoReturn

import click

from liveresize.cli import options


@click.command()
@options.above_settings
def serve() -> NoReturn:
    """Start the server; stop it with Ctrl-C or SIGTERM.

    Options stand above the settings of files and of the environment.

    \b
    Examples:
      liveresize serve
      liveresize serve --host 0.0.0.0 --port 8080 --studio
      NODE_ENV=production liveresize serve
      LIVERESIZE_LOG__DEBUG=true liveresize serve
    """
    settings = options.load()
    from liveresize.app import server

    sys.exit(server.run(settings))
