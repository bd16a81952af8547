"""What can be installed: wheel, Debian package, offline bundle, and what is said of them."""
