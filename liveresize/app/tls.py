"""Which certificate is served, and where, as far as the settings and the disk say."""

import dataclasses
import os

from liveresize import errors
from liveresize.config import Settings
from liveresize.http.transport.tls import make_context
from liveresize.settings import entrances
from liveresize.settings.entrances import Tls


def tls_settings(settings: Settings) -> Tls | None:
    """The section with the certificate that is configured, else the one where vip has its own,
    else None.

    Raises SettingsError where a key asks for TLS and there is no certificate.
    """
    tls = settings.tls
    files = (tls.certificate, tls.key)
    if not any(files) and os.path.exists(entrances.CERTIFICATE) and os.path.exists(entrances.KEY):
        files = (entrances.CERTIFICATE, entrances.KEY)
    if not all(files):
        for name, asked in (("tls.port", tls.port), ("tls.redirect", tls.redirect)):
            if asked:
                raise errors.SettingsError(
                    f"{name} is set, but there is no certificate: set tls.certificate and "
                    f"tls.key, or put both files where vip has them, at {entrances.CERTIFICATE} "
                    f"and {entrances.KEY}."
                )
        return None
    return dataclasses.replace(tls, certificate=files[0], key=files[1])


def check(settings: Settings) -> None:
    """Raise SettingsError for a certificate that a start would fail on."""
    tls = tls_settings(settings)
    if tls is not None:
        make_context(tls)
