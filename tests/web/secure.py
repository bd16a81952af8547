"""HTTP by hand over TLS."""

import socket
import ssl

from . import wire


class SecureWire(wire.Wire):
    """One connection, encrypted. Raises what a refused handshake raises."""

    socket: ssl.SSLSocket

    def __init__(self, port: int, context: ssl.SSLContext, *, buffer: int = 0) -> None:
        super().__init__(port, buffer=buffer)
        plain: socket.socket = self.socket
        try:
            self.socket = context.wrap_socket(
                plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False
            )
        except BaseException:
            plain.close()
            raise

    @property
    def serial(self) -> str:
        """The number of the certificate that the server has shown."""
        shown = self.socket.getpeercert()
        assert shown is not None
        return str(shown["serialNumber"])
