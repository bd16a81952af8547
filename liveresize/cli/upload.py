"""The command `upload`: upload a file to a running server."""

import json
from pathlib import Path

import click

from liveresize.cli import options


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--id", "id_", metavar="ID", help="Name of the image.  [default: the name of FILE]")
@options.URL
@options.SECRET
@options.OVERWRITE
def upload(
    file: Path, id_: str | None, url: str | None, secret: str | None, overwrite: bool
) -> None:
    """Upload FILE to a running server and print the URLs of the image.

    \b
    Examples:
      liveresize upload cat.jpg
      liveresize upload holiday.png --id beach --url https://images.example.com
    """
    from liveresize.cli import client

    server = options.upload_server(url, secret)
    name = file.stem if id_ is None else id_
    granted = client.token(server, name, overwrite=overwrite)
    facts = client.upload(server, name, file, granted)
    click.echo(json.dumps(facts))
    for address in client.addresses(server, name, facts):
        click.echo(address)
