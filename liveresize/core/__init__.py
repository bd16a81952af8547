"""Values and rules: names, URLs, renditions, sizes, tokens, signatures; no IO.

`ports` has the Protocols of the stores and services that delivery and uploads use.
"""
