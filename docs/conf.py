"""The site of these pages, for Sphinx; `scripts/docs` builds and checks it.

The source is the whole project and not this folder alone, so that a link from a page to
`../deploy/nginx/README.md` leads to the same place on a code host and in the site. A link to
a file that is no page becomes a download.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from liveresize import __version__  # noqa: E402 (the project need not be installed)

project = "liveresize"
copyright = "liveresize contributors"  # noqa: A001 (Sphinx's own name for it)
version = release = __version__

extensions = [
    "myst_parser",
    "scripts.site.contents",
    "scripts.site.folders",
    "scripts.site.reachable",
]
root_doc = "docs/index"
include_patterns = [
    "docs/*.md",
    "config/README.md",
    "clients/*/README.md",
    "deploy/*/README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
]
exclude_patterns = [
    # Folders that Sphinx would walk through only to find nothing for it.
    ".*",
    "build",
    "data",
    "dist",
    "liveresize",
    "node_modules",
    "scratch",
    "scripts",
    "tests",
]

myst_heading_anchors = 4
suppress_warnings = [
    # Examples are cut short with `…`, which no language has; they are shown as plain text.
    "misc.highlighting_failure",
]

highlight_language = "none"  # of blocks that name none

html_theme = "furo"
html_title = "liveresize"
html_static_path = ["_static"]
html_favicon = "_static/favicon.svg"
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"footer_icons": []}
