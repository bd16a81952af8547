"""The application put together from the settings."""
