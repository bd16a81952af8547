"""Connections: listeners, TLS, HTTP/2, limits of clients."""
