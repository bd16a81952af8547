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
    from liveresize.core import signing

    if key is not None:
        signing.check_key(key)
    name = _image(signing.target_of(url))
    signed = signing.sign_url(url, _key(name) if key is None else key, exp)
    options.report(as_json, {"url": signed}, signed)


def _key(name: str | None) -> str:
    """Return the key of the settings for a picture; None is one of a bucket. Raises SettingsError.

    The keys of its application come first.
    """
    settings = options.load()
    application = None if name is None else settings.shared_by.of(name)
    own = () if application is None else application.signing_keys
    keys = (*own, *settings.signing.keys)
    if not keys:
        raise errors.SettingsError("signing.keys is empty: give --key, or set it.")
    return keys[0]


def _image(target: str) -> str | None:
    """Return the name of the picture of `target`, in NFC; None for one of a bucket.

    Raises BadParameter or MalformedUrl if no server answers it with a picture. Which presets and
    buckets there are is known to the server alone.
    """
    from liveresize.core import parameters, urls
    from liveresize.core.operation import UrlRules

    path, _, query = target.partition("?")
    if "/" in path[1:]:
        return None
    presets = {
        parameters.percent_decode(value): ()
        for name, _, value in (pair.partition("=") for pair in query.split("&"))
        if name == "preset"
    }
    request = urls.parse(target, "", UrlRules(presets=presets, jxl=True))
    return unicodedata.normalize("NFC", request.image.name)
