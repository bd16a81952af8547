"""The application put together: settings become options, options become components."""
