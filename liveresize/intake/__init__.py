"""Ask other programs whether an upload may be stored: a virus scanner, an application."""
