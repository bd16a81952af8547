"""The certificate of the server, and the TLS settings."""

import asyncio
import datetime
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import structlog

from liveresize import errors
from liveresize.settings.entrances import Tls

_log = structlog.get_logger("liveresize.tls")

_PROTOCOLS = ("h2", "http/1.1")
"""The protocols for ALPN, the best one first; a client that offers none of them gets
HTTP/1.1."""

_HTTP1_ONLY = _PROTOCOLS[1:]

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""The ciphers of TLS 1.2 with forward secrecy and AEAD, as all of TLS 1.3."""

_SOON = datetime.timedelta(days=14)
"""The remaining time below which a certificate should have been renewed."""

_CERTIFICATE = re.compile(b"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----(.+?)-----END", re.DOTALL)
_KEY = re.compile(b"-----BEGIN [A-Z ]*PRIVATE KEY-----")

_SEQUENCE, _VERSION, _UTC_TIME = 0x30, 0xA0, 0x17
"""Tags of DER."""

_NOT_A_PAIR = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
"""Reasons of OpenSSL for a key that belongs to another certificate."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    context: ssl.SSLContext
    not_after: datetime.datetime


class Certificate:
    """The current certificate, which can be reloaded from its files."""

    def __init__(self, settings: Tls, *, http2: bool = True) -> None:
        """Read the files; `http2` offers HTTP/2 in ALPN.

        Raises SettingsError if the files are invalid.
        """
        self._settings = settings
        self._http2 = http2
        self._turn = asyncio.Lock()
        self._loaded = _load(settings, http2=http2)
        self.warn_of_its_end()

    @property
    def context(self) -> ssl.SSLContext:
        """The context for new connections; open ones keep theirs."""
        return self._loaded.context

    @property
    def not_after(self) -> datetime.datetime:
        """When the certificate expires."""
        return self._loaded.not_after

    async def reload(self) -> bool:
        """Read the files again, in a thread; if they are invalid, log an error, keep the current
        certificate and return False."""
        async with self._turn:  # of two reloads, the later must win
            try:
                self._loaded = await asyncio.to_thread(_load, self._settings, http2=self._http2)
            except errors.SettingsError as error:
                _log.error("certificate_not_reloaded", reason=error.public)
                return False
        _log.info("certificate_reloaded", not_after=self.not_after.isoformat())
        self.warn_of_its_end()
        return True

    def warn_of_its_end(self) -> None:
        """Log a warning if the certificate has expired or is about to."""
        remaining = self.not_after - datetime.datetime.now(datetime.UTC)
        if remaining < _SOON:
            over = remaining < datetime.timedelta()
            _log.warning(
                "certificate_expired" if over else "certificate_ends_soon",
                certificate=self._settings.certificate,
                not_after=self.not_after.isoformat(),
            )


def make_context(settings: Tls) -> ssl.SSLContext:
    """Return the TLS context of a server. Raises SettingsError, which names the invalid file."""
    return _load(settings, http2=True).context


def _load(settings: Tls, *, http2: bool) -> _Loaded:
    certificate = _CERTIFICATE.search(_read("certificate", settings.certificate))
    if certificate is None:
        raise errors.SettingsError(
            f"The certificate {settings.certificate} holds no certificate in PEM form."
        )
    if not _KEY.search(_read("key", settings.key)):
        raise errors.SettingsError(f"The key {settings.key} holds no private key in PEM form.")
    context = _empty_context(settings, http2=http2)
    _fill(context, settings)
    try:
        body = b"".join(certificate[1].split()).decode()
        der = ssl.PEM_cert_to_DER_cert(f"{ssl.PEM_HEADER}\n{body}\n{ssl.PEM_FOOTER}")
        return _Loaded(context, _not_after(der))
    except (ValueError, IndexError) as error:
        raise _damaged(settings) from error


def _read(what: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise errors.SettingsError(
            f"The {what} {path} cannot be read: {error.strerror}."
        ) from error


def _empty_context(settings: Tls, *, http2: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[settings.min_version]
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    # None of them is weak: a phone without AES in its processor may choose ChaCha.
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(_PROTOCOLS if http2 else _HTTP1_ONLY)
    return context


def _fill(context: ssl.SSLContext, settings: Tls) -> None:
    """Load certificate and key. Raises SettingsError for the errors of OpenSSL."""

    def no_password() -> NoReturn:
        raise errors.SettingsError(
            f"The key {settings.key} is encrypted: a server that starts by itself needs it plain."
        )

    try:
        context.load_cert_chain(settings.certificate, settings.key, no_password)
    except ssl.SSLError as error:
        if error.reason in _NOT_A_PAIR:
            raise errors.SettingsError(
                f"The key {settings.key} does not belong to the certificate {settings.certificate}."
            ) from error
        if error.reason in (None, "PEM lib", "PEM_LIB"):
            raise _damaged(settings) from error
        raise errors.SettingsError(
            f"The certificate {settings.certificate} with the key {settings.key} is not accepted "
            f"by OpenSSL: {error.reason}."
        ) from error
    except OSError as error:
        raise errors.SettingsError(
            f"The certificate {settings.certificate} or the key {settings.key} cannot be read: "
            f"{error.strerror}."
        ) from error


def _damaged(settings: Tls) -> errors.SettingsError:
    """Return an error that names the damaged file."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(settings.certificate)
    except OSError:
        return errors.SettingsError(f"The certificate {settings.certificate} is damaged.")
    return errors.SettingsError(f"The key {settings.key} is damaged.")


def _not_after(der: bytes) -> datetime.datetime:
    """Return when a certificate expires. Raises ValueError or IndexError if it is not one.

    The structure (RFC 5280): `Certificate` begins with `TBSCertificate`, which has a version
    (unless it is 1), the serial number, the algorithm, the issuer and then the validity: two
    times.
    """
    tag, start, _ = _element(der, 0)
    if tag != _SEQUENCE:
        raise ValueError(tag)
    _, start, _ = _element(der, start)
    tag, _, end = _element(der, start)
    for _ in range(3 if tag == _VERSION else 2):
        _, _, end = _element(der, end)
    _, start, _ = _element(der, end)
    _, _, not_after = _element(der, start)
    tag, start, end = _element(der, not_after)
    text = der[start:end].decode()
    if tag == _UTC_TIME:  # whose years have two digits, of 1950 to 2049
        text = ("19" if text >= "50" else "20") + text
    return datetime.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=datetime.UTC)


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """Return (tag, start, end of the content) of the DER element at `at`."""
    tag, length, start = der[at], der[at + 1], at + 2
    if length >= 0x80:
        size = length & 0x7F
        length = int.from_bytes(der[start : start + size])
        start += size
    return tag, start, start + length
