"""Certificates made on the spot, clients that trust them, and a port to serve one on."""

import contextlib
import datetime
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from liveresize.settings.entrances import Tls

DAY = datetime.timedelta(days=1)

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Pair:
    """The files of a certificate and of its key."""

    certificate: Path
    key: Path
    not_after: datetime.datetime

    @property
    def keys(self) -> dict[str, object]:
        """The settings that serve it."""
        return {"tls__certificate": str(self.certificate), "tls__key": str(self.key)}

    @property
    def tls(self) -> Tls:
        """Their section, with nothing else in it."""
        return Tls(certificate=str(self.certificate), key=str(self.key))


def now() -> datetime.datetime:
    """This very second."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


def make(
    folder: Path,
    *,
    rsa_key: bool = False,
    ends_in: datetime.timedelta = 90 * DAY,
    password: str = "",
) -> Pair:
    """A certificate of 127.0.0.1 that vouches for itself; over what was in `folder` before."""
    private: PrivateKey = (
        rsa.generate_private_key(65537, 2048)
        if rsa_key
        else ec.generate_private_key(ec.SECP256R1())
    )
    ends = now() + ends_in
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "liveresize test")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - 10_000 * DAY)
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(private, hashes.SHA256())
    )
    folder.mkdir(exist_ok=True)
    pair = Pair(folder / "server.pem", folder / "server.key", ends)
    pair.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pair.key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(password.encode())
            if password
            else serialization.NoEncryption(),
        )
    )
    return pair


def trusting(certificate: Path) -> ssl.SSLContext:
    """What a client speaks that believes this certificate alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certificate)
    return context


@contextlib.contextmanager
def reserved_port() -> Iterator[int]:
    """A port that is free, and stays so for a server that binds it as Tornado does."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        yield port
