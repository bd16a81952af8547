"""The command `sign`: sign URLs."""

import time
import unicodedata

import click

from liveresize import errors
from liveresize.cli import options


@click.command()
@click.argument("url", metavar="URL")
@click.option(
    "--expires", type=click.IntRange(min=1), metavar="SECONDS", help="Expire after SECONDS."
)
@click.option(
    "--exp", type=click.IntRange(min=0), metavar="UNIX", help="Expire at UNIX, in Unix seconds."
)
@click.option(
    "--key",
    metavar="TEXT",
    help="Key to sign with.  [default: the first one in the setting `signing.keys`, or in the "
    "`signing_keys` of the application of the image]",
)
@options.JSON
def sign(url: str, expires: int | None, exp: int | None, key: str | None, as_json: bool) -> None:
    """Sign the URL of an image and print it.

    URL is a complete URL or only its path, as the server receives it: leave out a prefix
    that a proxy in front removes. Without --expires and --exp the signed URL is valid for as
    long as the key is in the server's settings. A URL that a server refuses is not signed.

    \b
    Examples:
      liveresize sign https://images.example.com/cat_400_0.jpg
      liveresize sign '/cat_400_300.webp?fit=crop' --expires 3600
      curl "$(liveresize sign http://localhost:1337/cat.json --expires 60)"
    """
    if expires is not None and exp is not None:
        raise click.UsageError("Give one of --expires and --exp.")
    if expires is not None:
        exp = int(time.time()) + expires
    if key is None:
        key = _key(url)
    from liveresize.core import signing

    signed = signing.sign_url(url, signing.check_key(key), exp)
    _check(signing.target_of(url))
    options.report(as_json, {"url": signed}, signed)


def _key(url: str) -> str:
    """Return the key of the settings for a URL. Raises SettingsError, and MalformedUrl."""
    settings = options.load()
    from liveresize.core import parameters, signing

    path = signing.target_of(url).partition("?")[0][1:]
    application = settings.shared_by.of(
        unicodedata.normalize("NFC", parameters.percent_decode(path))
    )
    own = () if application is None else application.signing_keys
    keys = (*own, *settings.signing.keys)
    if not keys:
        raise errors.SettingsError("signing.keys is empty: give --key, or set it.")
    return keys[0]


def _check(target: str) -> None:
    """Raise BadParameter or MalformedUrl if no server answers `target` with a picture.

    Which presets and buckets there are is known to the server alone.
    """
    from liveresize.core import parameters, urls
    from liveresize.core.operation import UrlRules

    path, _, query = target.partition("?")
    if "/" in path[1:]:
        return
    presets = {
        parameters.percent_decode(value): ()
        for name, _, value in (pair.partition("=") for pair in query.split("&"))
        if name == "preset"
    }
    urls.parse(target, "", UrlRules(presets=presets, jxl=True))
