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

    The receipt says what is gone where, and until when caches and browsers may hold redirects.
    `liveresize erasure` shows it again later.

    ID may end like the URL of the image: cat.jpg is cat, unless it is an id of its own.

    \b
    Examples:
      liveresize delete cat
      liveresize delete cat --yes --url https://images.example.com
    """
    from liveresize.cli import client, receipts

    server = options.admin_server(url, secret)
    options.confirm(f"Delete {id_} on {server.url} for good?", yes)
    deleted, receipt = client.delete(server, id_)
    text = f"{deleted} deleted"
    if receipt:
        text += f"\n{receipts.text(receipt)}"
    options.report(as_json, {"deleted": deleted, **receipt}, text)
