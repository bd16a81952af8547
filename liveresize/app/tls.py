"""Which certificate is served, and where, as far as the settings and the disk say."""

import os
import ssl
from pathlib import Path

from liveresize import errors
from liveresize.config import Settings
from liveresize.http.transport.tls import HTTP1_ONLY, PROTOCOLS, TlsOptions, make_context
from liveresize.settings import entrances

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def tls_options(settings: Settings) -> TlsOptions | None:
    """The certificate that is configured, else the one where vip has its own, else None.

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
    return TlsOptions(
        certificate=Path(files[0]),
        key=Path(files[1]),
        min_version=_VERSIONS[tls.min_version],
        protocols=PROTOCOLS if settings.http2 else HTTP1_ONLY,
    )


def check(settings: Settings) -> None:
    """Raise SettingsError for a certificate that a start would fail on."""
    options = tls_options(settings)
    if options is not None:
        make_context(options)
