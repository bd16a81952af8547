"""All of HTTP: handlers, headers, bodies, which error is which status."""
