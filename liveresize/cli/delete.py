"""The command `delete`: delete an image from a running server."""

import click

from liveresize.cli import options


@click.command()
@click.argument("id_", metavar="ID")
@options.URL
@options.ADMIN_SECRET
@options.YES
@options.JSON
def delete(id_: str, url: str | None, secret: str | None, yes: bool, as_json: bool) -> None:
    """Delete the image ID and all its renditions from a running server.

    ID may end like the URL of the image: cat.jpg is cat, unless it is an id of its own.

    \b
    Examples:
      liveresize delete cat
      liveresize delete cat --yes --url https://images.example.com
    """
    from liveresize.cli import client

    server = options.admin_server(url, secret)
    options.confirm(f"Delete {id_} on {server.url} for good?", yes)
    deleted = client.delete(server, id_)
    options.report(as_json, {"deleted": deleted}, f"{deleted} deleted")
