"""The command `liveresize`: its commands have a module each.

At the top level, this package imports only click and the errors: a spawned worker imports the
main module again and would load everything else, too. Commands import it when they run.
"""

import sys
from typing import NoReturn

import click

from liveresize import __version__, errors
from liveresize.cli import (
    check,
    check_config,
    compare,
    delete,
    doctor,
    erasure,
    expiry,
    export,
    import_iaas,
    list_pictures,
    migrate,
    options,
    purge,
    reconcile,
    serve,
    sign,
    token,
    upload,
    verify,
    warm,
    webhook,
)


class _Commands(click.Group):
    """A group that prints expected errors as one sentence on stderr, and exits with 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except errors.LiveResizeError as exc:
            _fail(exc)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="liveresize", message="%(prog)s %(version)s")
def main() -> None:
    """Resize images on demand and serve them.

    \b
    Examples:
      liveresize serve                      serve on http://localhost:1337
      PORT=8080 liveresize serve            the same on another port
      liveresize check-config               show every setting and its source
      liveresize upload cat.jpg --id cat    upload an image
      curl -L http://localhost:1337/cat_400_0.jpg -o small.jpg

    Settings are read from config/default.json, config/$NODE_ENV.json,
    config/local.json (or .json5, .yaml) and the environment.
    Set NODE_CONFIG_DIR to use another folder.
    """


for _command in (
    serve.serve,
    check_config.check_config,
    migrate.migrate,
    import_iaas.import_,
    compare.compare,
    export.export,
    token.token,
    upload.upload,
    delete.delete,
    erasure.erasure,
    purge.purge,
    list_pictures.list_,
    sign.sign,
    warm.warm,
    expiry.expiry,
    check.check,
    doctor.doctor,
    reconcile.reconcile,
    verify.verify,
    webhook.webhook,
):
    main.add_command(_command)


def _fail(error: errors.LiveResizeError) -> NoReturn:
    detail = f" ({error.detail})" if error.detail else ""
    click.echo(f"{options.coloured('liveresize:', 'red')} {error.public}{detail}", err=True)
    sys.exit(1)
