"""The pages for people who open a URL of the server in a browser: errors, and `/`.

They have no script and load nothing; the policy allows their style by its hash.
"""

import base64
import hashlib
import html
import re
from collections.abc import Iterable, Mapping
from http import client
from string import Template

from tornado import httputil

from liveresize import __version__
from liveresize.core import accept
from liveresize.http.responses import Headers, Response

_STYLE = """
:root{color-scheme:light dark;--soft:#55616e;--link:#0b6b63;--line:#dbe0e5;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--soft:#9da9b5;--link:#62cdbf;--line:#3a454f;\
--bad:#ff8f86}}
body{max-width:38rem;margin:12vh auto;padding:0 1.25rem;font:1rem/1.5 system-ui,sans-serif;\
overflow-wrap:anywhere;background:Canvas;color:CanvasText}
h1{font-size:1.5rem;line-height:1.25}
a{color:var(--link)}
ul{padding:0;list-style:none}
.more li{position:relative;margin:.5rem 0;padding:.625rem 1rem;border:1px solid var(--line);\
border-radius:.5rem}
.more li:hover{border-color:var(--link)}
.more a{font-weight:600}
.more a::after{content:"";position:absolute;inset:0}
.state{padding-left:1.25rem;text-indent:-1.25rem}
.state::before{content:"";display:inline-block;width:.625rem;height:.625rem;\
margin-right:.625rem;border-radius:50%;background:var(--bad)}
.ready::before{background:var(--link)}
.parts{padding-left:1.25rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin-top:2rem;\
font-size:.875rem}
dt{color:var(--soft)}
dd{margin:0}
"""

_POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'",
        "img-src 'self'",  # the icon that browsers look for
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

_HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
)

_PAGE = Template(f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>$heading</h1>
$text
<dl>
$facts
</dl>
</main>
</body>
</html>
""")

NAME = "liveresize"

ABOUT = (
    "An image server: it delivers each image in the size, crop and format that the URL asks for."
)

_EXAMPLE = "<code>/cat_400_0.webp</code> is the image <code>cat</code>, 400 pixels wide, as WebP."

_LINKS = {
    "studio": ("Studio", "upload images, and try all options"),
    "contract": ("API", "every URL, option and error, as OpenAPI"),
    "docs": ("Documentation", "how to use and run it"),
}
"""The text of each link at `/`, and what follows it."""

_STATES = {
    "ready": ("Ready", "Images are served, and every part of the server works."),
    "degraded": ("Degraded", "Images are served, but a part of the server has a problem."),
    "unavailable": (
        "Not ready",
        "It should get no requests now: it is starting or stopping, or a part of it has a problem.",
    ),
}

_ASK = "Clients in <code>admin.networks</code> see here which part it is."

_SUFFERING = {
    "database": "it does not respond. Images are served if they are known without it; tokens and "
    "uploads get 503.",
    "writes": "the database takes no writes. Images are served; tokens, uploads and deletions "
    "fail.",
    "disk": "the disk of a folder is nearly full. Images are served; uploads get 507, and new "
    "renditions are not stored.",
    "store": "the bucket or its public URL does not respond. This server delivers the images "
    "itself, without redirects.",
    "workers": "no worker runs. Stored images are served; nothing is rendered or uploaded.",
}
"""What a problem of each part means for clients."""

_LINKED = re.compile(r"/(?!/)[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*")
"""A URL of this server, in a message. Without `\\`, which browsers read as `/`."""

_QUOTED = re.compile("`([^`]*)`")

_IN_SENTENCE = ("error", "did_you_mean")
"""Fields of errors that need no row of their own."""


def wanted(method: str | None, headers: httputil.HTTPHeaders) -> bool:
    """Whether a person reads the response: a GET or HEAD by a client that prefers HTML."""
    return method in ("GET", "HEAD") and accept.prefers_html(headers.get("Accept", ""))


def error(status: int, document: Mapping[str, object], headers: Headers) -> Response:
    """Return the page about an error; `document` is what programs get, in JSON."""
    phrase = client.responses.get(status, "")  # tus has a status of its own
    facts = [(name, str(value)) for name, value in document.items() if name not in _IN_SENTENCE]
    body = _PAGE.substitute(
        title=f"{status} {document['code']}",
        heading=f"{status} {phrase}".rstrip(),
        text=f"<p>{_prose(str(document['error']))}</p>",
        facts=_list((name, f"<code>{_span(value)}</code>") for name, value in facts),
    )
    return _response(status, body, headers)


def home(
    state: str, failing: Iterable[str] | None, links: Mapping[str, str], headers: Headers
) -> Response:
    """Return the page at `/`.

    `state` is what `/_ready` says. `failing` are the parts with a problem; None for clients that
    may not know them. `links` are URLs by the names in `_LINKS`.
    """
    items = "\n".join(_item(*_LINKS[name], url) for name, url in links.items())
    paragraphs = [f"<p>{ABOUT}</p>", *_state(state, failing)]
    body = _PAGE.substitute(
        title=NAME,
        heading=NAME,
        text="\n".join([*paragraphs, f'<ul class="more">\n{items}\n</ul>', f"<p>{_EXAMPLE}</p>"]),
        facts=_list([("version", __version__)]),
    )
    return _response(200, body, headers)


def _state(state: str, failing: Iterable[str] | None) -> list[str]:
    """Return the state of the server in words, and a list of what fails."""
    name, about = _STATES[state]
    if state == "degraded" and failing is None:
        about = f"{about} {_ASK}"
    said = [f'<p class="state {state}"><strong>{name}.</strong> {about}</p>']
    parts = [
        f"<li><strong>{part}</strong>: {_SUFFERING.get(part, 'it has a problem.')}</li>"
        for part in failing or ()
    ]
    if parts:
        said.append("\n".join(['<ul class="parts">', *parts, "</ul>"]))
        said.append('<p class="parts">Details are at <a href="_ready">/_ready</a>.</p>')
    return said


def _item(text: str, about: str, url: str) -> str:
    """Return a link; one to this server is relative, so that a proxy may put a prefix in front."""
    return f'<li><a href="{html.escape(url.removeprefix("/"))}">{text}</a><br>{about}</li>'


def _list(facts: Iterable[tuple[str, str]]) -> str:
    """Return the items of a list; the values are HTML."""
    return "\n".join(
        f"<dt>{html.escape(name.replace('_', ' '))}</dt><dd>{value}</dd>" for name, value in facts
    )


def _response(status: int, page: str, headers: Headers) -> Response:
    body = page.encode()
    headers = [*_HEADERS, ("Vary", "Accept"), *headers]
    return Response(status=status, headers=headers, body=body, length=len(body))


def _prose(message: str) -> str:
    """Return the HTML of a message: what it has between backticks is code, and URLs are links."""
    text, *rest = _QUOTED.split(message)
    quoted = zip(rest[::2], rest[1::2], strict=True)
    return html.escape(text) + "".join(
        f"<code>{_span(value)}</code>{html.escape(text)}" for value, text in quoted
    )


def _span(text: str) -> str:
    """Return the HTML of a value, which is a link if it is a URL of this server."""
    escaped = html.escape(text)
    return f'<a href="{escaped}">{escaped}</a>' if _LINKED.fullmatch(text) else escaped
