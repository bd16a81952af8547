"""The command `serve`: run the server."""

import sys
from typing import NoReturn

import click

from liveresize.cli import options


@click.command()
def serve() -> NoReturn:
    """Start the server; stop it with Ctrl-C or SIGTERM.

    \b
    Examples:
      liveresize serve
      NODE_ENV=production liveresize serve
      LIVERESIZE_LOG__DEBUG=true liveresize serve
    """
    settings = options.load()
    from liveresize.app import server

    sys.exit(server.run(settings))
