"""The command `token`: get a token for one upload."""

import click

from liveresize.cli import options


@click.command()
@click.argument("id_", metavar="ID")
@options.URL
@options.SECRET
@click.option(
    "--expires-in",
    type=click.IntRange(min=1),
    metavar="SECONDS",
    help="How long the token is valid.",
)
@options.OVERWRITE
@options.JSON
def token(
    id_: str,
    url: str | None,
    secret: str | None,
    expires_in: int | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Get a token from a running server, for one upload as ID, and print it.

    \b
    Examples:
      liveresize token cat
      curl -H "X-Token: $(liveresize token cat)" -F image=@cat.jpg \\
           http://localhost:1337/cat
    """
    from liveresize.cli import client

    server = options.upload_server(url, secret)
    granted = client.token(server, id_, expires_in=expires_in, overwrite=overwrite)
    options.report(as_json, {"id": id_, "token": granted}, granted)
