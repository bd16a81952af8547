"""The command `serve`: run the server."""

import os
import sys
from typing import NoReturn

import click

from liveresize.cli import options


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help="Port, instead of the setting's.")
@click.option(
    "--host", metavar="ADDRESS", help="Address to listen on: 127.0.0.1, or 0.0.0.0 for all."
)
@click.option(
    "--data", type=options.FilePath(file_okay=False), help="Folder for everything: `data_dir`."
)
@click.option("--studio/--no-studio", default=None, help="The page to try everything in a browser.")
def serve(port: int | None, host: str | None, data: str | None, studio: bool | None) -> NoReturn:
    """Start the server; stop it with Ctrl-C or SIGTERM.

    Options stand above the settings of files and of the environment.

    \b
    Examples:
      liveresize serve
      liveresize serve --host 0.0.0.0 --port 8080 --studio
      NODE_ENV=production liveresize serve
      LIVERESIZE_LOG__DEBUG=true liveresize serve
    """
    given = {
        "PORT": port,
        "LIVERESIZE_LISTEN_ADDRESS": host,
        "LIVERESIZE_DATA_DIR": data,
        "LIVERESIZE_STUDIO": studio,
    }
    for name, value in given.items():
        if value is not None:
            os.environ[name] = str(value).lower() if isinstance(value, bool) else str(value)
    settings = options.load()
    from liveresize.app import server

    sys.exit(server.run(settings))
