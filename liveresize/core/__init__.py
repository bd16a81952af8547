"""Values and rules: names, URLs, renditions, sizes, tokens, signatures; no IO.

`ports` has the Protocols of what delivery and uploads ask of the world.
"""
