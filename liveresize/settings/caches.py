"""Keys about the caches in front of the server: what they do, and how they are told of changes."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from liveresize.settings.schema import key
from liveresize.settings.values import Form, has_form

_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
_METHOD = re.compile(r"[A-Z]{1,16}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
_IDENTIFIER = re.compile(r"[A-Za-z0-9]{1,64}")
_PRINTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,4094}[\x21-\x7e])?")
_PATH = re.compile(r"/[\x21-\x7e]{1,1000}")
_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")

URL_OF_CLOUDFLARE = "https://api.cloudflare.com"
URL_OF_FASTLY = "https://api.fastly.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """One of `cdn.purge`: `driver` says which of the other fields count.

    `site` is the URL of this server as clients of the cache know it, and `paths` are the paths of
    renditions that a cache without tags is told of, with `{name}` for that of the picture.
    """

    driver: str
    name: str
    site: str = ""
    paths: tuple[str, ...] = ()
    zone: str = ""
    service: str = ""
    token: str = field(default="", repr=False)
    api: str = ""
    by: str = "tags"
    objects: str = ""
    soft: bool = False
    urls: tuple[str, ...] = field(default=(), repr=False)
    method: str = ""
    header: str = "X-Cache-Tag"
    url: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: str = field(default="", repr=False)

    @property
    def by_url(self) -> bool:
        """Whether the cache is told of URLs, as it has no tags."""
        if self.driver == "http":
            return "{url}" in "".join([self.url, self.body, *self.headers.values()])
        return self.by == "urls" or self.method == "PURGE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cdn:
    """The caches in front, and how they are told of changes."""

    varies_on_accept: bool = key(
        False, "Whether the cache in front honours `Vary: Accept`, so that it may keep those."
    )
    purge: tuple[Mapping[str, object], ...] = key(
        (),
        "Caches that are told when a picture is replaced, deleted, expired or held, or its focus "
        "changes: each has a `driver`, which is cloudflare, fastly, varnish or http.",
        secret=True,
    )
    timeout: float = key(
        10.0, "Seconds that a cache of `cdn.purge` has to answer.", least=0.1, most=60
    )
    give_up: int = key(
        604_800,
        "Seconds after which a cache that cannot be told is not told any more.",
        least=1,
        most=2_592_000,
    )

    @property
    def caches(self) -> tuple[Cache, ...]:
        """All caches of `purge`. Raises ValueError, which says what is wrong with one of them."""
        made = tuple(_cache(number, given) for number, given in enumerate(self.purge, 1))
        names = [one.name for one in made]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two entries have the name `{name}`: give each a `name`")
        return made


Check = Callable[[object], bool]


def _text(pattern: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and bool(pattern.fullmatch(value))


def _url(value: object) -> bool:
    return (
        isinstance(value, str)
        and bool(value)
        and has_form(value, Form.URL)
        and bool(_PRINTABLE.fullmatch(value))
        and " " not in value
    )


def _site(value: object) -> bool:
    return isinstance(value, str) and _url(value) and not re.search(r"[?#@]", value)


def _each(check: Check) -> Check:
    return lambda value: isinstance(value, list) and bool(value) and all(map(check, value))


def _fields_of_header(value: object) -> bool:
    return isinstance(value, dict) and all(
        _text(_HEADER)(name) and _text(_PRINTABLE)(text) and _known_placeholders(text)
        for name, text in value.items()
    )


def _known_placeholders(text: str) -> bool:
    return set(_PLACEHOLDER.findall(text)) <= {"tag", "url", "name"}


def _template(value: object) -> bool:
    if not isinstance(value, str) or not _known_placeholders(value):
        return False
    return value.startswith("{url}") or _url(_PLACEHOLDER.sub("x", value))


def _path(value: object) -> bool:
    return _text(_PATH)(value) and set(_PLACEHOLDER.findall(str(value))) == {"name"}


_KEYS: Mapping[str, tuple[Check, str]] = {
    "name": (_text(_NAME), "1 to 32 letters, digits, `-` and `_`"),
    "site": (_site, "a URL such as https://images.example.com"),
    "paths": (_each(_path), "a list of paths such as /{name}_400_0.jpg"),
    "zone": (_text(_IDENTIFIER), "the id of a zone"),
    "service": (_text(_IDENTIFIER), "the id of a service"),
    "token": (_text(_PRINTABLE), "a token"),
    "api": (_site, "a URL"),
    "by": (lambda value: value in ("tags", "prefixes", "urls"), "tags, prefixes or urls"),
    "objects": (_site, "a URL such as https://cdn.example.com"),
    "soft": (lambda value: isinstance(value, bool), "true or false"),
    "urls": (_each(_url), "a list of URLs such as http://varnish:6081"),
    "method": (_text(_METHOD), "a method of HTTP in capitals"),
    "header": (_text(_HEADER), "the name of a header"),
    "url": (_template, "a URL, in which {tag}, {url} and {name} stand for those of the picture"),
    "headers": (_fields_of_header, "an object of texts, in which {tag}, {url} and {name} may be"),
    "body": (
        lambda value: isinstance(value, str) and _known_placeholders(value),
        "a text, in which {tag}, {url} and {name} may be",
    ),
}
"""Each key, what it must be, and the same in words."""

_DRIVERS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "cloudflare": (("zone", "token"), ("by", "site", "paths", "objects", "api")),
    "fastly": (("service", "token"), ("soft", "api")),
    "varnish": (("urls",), ("method", "header", "site", "paths")),
    "http": (("url",), ("method", "headers", "body", "site", "paths")),
}
"""The keys that each driver needs, and those that it may have."""

_METHODS = {"varnish": "BAN", "http": "POST"}
_APIS = {"cloudflare": URL_OF_CLOUDFLARE, "fastly": URL_OF_FASTLY}


def _cache(number: int, given: Mapping[str, object]) -> Cache:
    """Return one of `purge`. Raises ValueError, without values, which may be secrets."""
    driver = given.get("driver")
    if not isinstance(driver, str) or driver not in _DRIVERS:
        raise ValueError(f"entry {number} needs a `driver`, one of {', '.join(_DRIVERS)}")
    needed, optional = _DRIVERS[driver]
    who = f"entry {number} ({driver})"
    for name in needed:
        if name not in given:
            raise ValueError(f"{who} needs `{name}`, {_KEYS[name][1]}")
    unknown = given.keys() - {"driver", "name", *needed, *optional}
    if unknown:
        raise ValueError(f"{who} has a key that is not known, `{min(unknown)[:32]}`")
    for name in given.keys() - {"driver"}:
        fits, words = _KEYS[name]
        if not fits(given[name]):
            raise ValueError(f"{who} has a `{name}` that is not {words}")
    made = Cache(
        **{
            "name": driver,
            "method": _METHODS.get(driver, ""),
            "api": _APIS.get(driver, ""),
            **{name: _frozen(value) for name, value in given.items()},  # type: ignore[arg-type]
        }
    )
    _check(made, who)
    return made


def _check(made: Cache, who: str) -> None:
    if made.driver == "varnish" and made.method not in ("BAN", "PURGE"):
        raise ValueError(f"{who} has a `method` that is not BAN or PURGE")
    if (made.by_url or made.by == "prefixes") and not made.site:
        raise ValueError(f"{who} is told of URLs, and needs `site`, {_KEYS['site'][1]}")
    if made.paths and not made.by_url:
        raise ValueError(f"{who} has `paths`, but is not told of URLs")
    if made.driver == "http" and made.url.startswith("{url}") and not made.by_url:
        raise ValueError(f"{who} has a `url` that is not {_KEYS['url'][1]}")


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
