"""The command `erasure`: show the receipt of a deletion."""

import click

from liveresize.cli import options


@click.command()
@click.argument("id_", metavar="ERASURE")
@options.URL
@options.ADMIN_SECRET
@options.JSON
def erasure(id_: str, url: str | None, secret: str | None, as_json: bool) -> None:
    """Show what is gone where of an image that was deleted.

    ERASURE is the id of the receipt, from `liveresize delete`, or from `picture_erased` in the log.
    Receipts are kept for 90 days.

    \b
    Examples:
      liveresize erasure 019aaf2e1d001b3a1f5d5c2e9a07
      liveresize erasure 019aaf2e1d001b3a1f5d5c2e9a07 --json
    """
    from liveresize.cli import client, receipts

    receipt = client.erasure(options.admin_server(url, secret), id_)
    options.report(as_json, receipt, f"{receipt.get('id')} deleted\n{receipts.text(receipt)}")
