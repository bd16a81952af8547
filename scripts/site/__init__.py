"""The site of docs/: what of its pages is generated, how it is built, and its links."""
