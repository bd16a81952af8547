"""What the theme leaves out for those who hear the pages, as a Sphinx extension: the headings
of the contents have no level."""

from typing import Any

from sphinx.application import Sphinx

CONTENTS = "furo_navigation_tree"
"""Where the theme keeps the contents of a page that is being written."""

AFTER_THE_THEME = 900
"""It puts them together in a handler of its own, of priority 500."""


def _complete(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    if CONTENTS in context:
        context[CONTENTS] = context[CONTENTS].replace(
            'role="heading"', 'role="heading" aria-level="2"'
        )


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    app.connect("html-page-context", _complete, priority=AFTER_THE_THEME)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
