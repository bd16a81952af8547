"""The entries of `applications`, and which of them a picture belongs to."""

import bisect
import difflib
import itertools
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields

from liveresize.settings.backends import Endpoint, endpoint
from liveresize.settings.pictures import ALIASES
from liveresize.settings.values import Form, has_form

_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
"""What the name of an application looks like: it is the label in metrics and log."""

_IN_NO_NAME = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""A character that no id has."""

_LONGEST_PREFIX = 200
"""Bytes of the longest prefix: a name has at most 255."""

_LEAST_SECRET = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One of `applications`: the pictures whose ids begin with `prefix`.

    0 is no limit; no `formats` are all of the server, and no `presets` do not limit URLs.
    """

    name: str
    prefix: str
    secret: str = field(repr=False)
    max_bytes_total: int = 0
    max_pictures: int = 0
    formats: tuple[str, ...] = ()
    presets: tuple[str, ...] = ()
    signing_keys: tuple[str, ...] = field(default=(), repr=False)
    webhook: Endpoint | None = field(default=None, repr=False)
    renders_per_second: float = 0.0

    def covers(self, name: str, bucket: str = "") -> bool:
        """Whether a picture belongs to it, however its name is composed (see NFC)."""
        spelled = (name, unicodedata.normalize("NFC", name))
        return not bucket and all(each.startswith(self.prefix) for each in spelled)


class Applications:
    """All applications, and which of them a name belongs to; prefixes do not overlap."""

    def __init__(self, applications: Iterable[Application] = ()) -> None:
        self._all = sorted(applications, key=lambda each: each.prefix)
        self._prefixes = [each.prefix for each in self._all]

    def __bool__(self) -> bool:
        return bool(self._all)

    def __iter__(self) -> Iterator[Application]:
        return iter(self._all)

    def of(self, name: str, bucket: str = "") -> Application | None:
        """Return the application of a picture; None for one of a bucket, or of none."""
        if bucket or not self._prefixes:
            return None
        place = bisect.bisect_right(self._prefixes, name) - 1
        if place >= 0 and name.startswith(self._prefixes[place]):
            return self._all[place]
        return None

    def label(self, key: str | None) -> str | None:
        """Return the name of the application of a picture, from its `ImageId.key`; None if it
        belongs to none."""
        if not self._prefixes or not key or "/" in key:
            return None
        found = self.of(key)
        return None if found is None else found.name


NONE = Applications()


def _texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)


def _is_prefix(value: object) -> bool:
    return (
        isinstance(value, str)
        and not value.startswith("_")
        and not _IN_NO_NAME.search(value)
        and 1 <= len(value.encode()) <= _LONGEST_PREFIX
        and unicodedata.is_normalized("NFC", value)
    )


def _is_secret(value: object) -> bool:
    return isinstance(value, str) and has_form(value, Form.SIGNING_KEY)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1 << 62


def _is_rate(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and (value == 0 or value >= 0.001)
    )


def _are_keys(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_secret, value))


_PREFIX = (
    f"the beginning of ids: 1 to {_LONGEST_PREFIX} bytes in NFC, without / and \\, and not "
    "beginning with _"
)
_COUNT = "a whole number, and 0 for no limit"
_CHECKS: dict[str, tuple[str, Callable[[object], bool]]] = {
    "secret": (f"a text of at least {_LEAST_SECRET} bytes", _is_secret),
    "prefix": (_PREFIX, _is_prefix),
    "max_bytes_total": (_COUNT, _is_count),
    "max_pictures": (_COUNT, _is_count),
    "formats": ("a list of formats that may be uploaded, as in formats.input", _texts),
    "presets": ("a list of names of presets", _texts),
    "signing_keys": (f"a list of texts of at least {_LEAST_SECRET} bytes", _are_keys),
    "webhook": (
        "an object with `url`, `secrets` and `events`",
        lambda value: isinstance(value, dict),
    ),
    "renders_per_second": ("a number of at least 0.001, or 0 for no limit", _is_rate),
}
"""The fields of an entry: what each must be, and the check."""


def entries(
    given: Mapping[str, Mapping[str, object]],
    *,
    formats: Iterable[str],
    presets: Iterable[str],
    secrets: Iterable[str] = (),
) -> tuple[Application, ...]:
    """Return all applications.

    `formats` are those that the server takes, `presets` the names of its presets, and `secrets`
    all other secrets of the settings. Raises ValueError, which says what is wrong, and never
    quotes a secret.
    """
    made = tuple(_entry(name, fields_) for name, fields_ in given.items())
    for each in made:
        _check_known(each, "formats", each.formats, tuple(formats))
        _check_known(each, "presets", each.presets, tuple(presets))
    _check_prefixes(made)
    _check_secrets(made, frozenset(secrets))
    return made


def _entry(name: str, given: Mapping[str, object]) -> Application:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"`{name[:40]}` is no name of an application: use 1 to 32 letters, digits, `-` and `_`"
        )
    known = [each.name for each in fields(Application) if each.name != "name"]
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key[:40].lower(), known, 1, 0.6)
            hint = f" (did you mean `{near[0]}`?)" if near else ""
            raise ValueError(f"`{name}` has `{key[:40]}`, which is not known{hint}")
    for key in ("secret", "prefix"):
        if key not in given:
            raise ValueError(f"`{name}` has no `{key}`, which is {_CHECKS[key][0]}")
    values: dict[str, object] = {}
    for key, value in given.items():
        words, fits = _CHECKS[key]
        if not fits(value):
            raise ValueError(f"`{key}` of `{name}` must be {words}")
        values[key] = tuple(value) if isinstance(value, list) else value
    if "formats" in values:
        words_of = [ALIASES.get(one.lower(), one.lower()) for one in values["formats"]]  # type: ignore[attr-defined]
        values["formats"] = tuple(dict.fromkeys(words_of))
    if isinstance(given.get("webhook"), dict):
        try:
            values["webhook"] = endpoint(f"application:{name}", given["webhook"])  # type: ignore[arg-type]
        except ValueError as error:
            raise ValueError(f"`webhook` of {error}") from None
    return Application(name=name, **values)  # type: ignore[arg-type]


def _check_known(
    application: Application, key: str, chosen: tuple[str, ...], known: tuple[str, ...]
) -> None:
    for one in chosen:
        if one not in known:
            raise ValueError(
                f"`{key}` of `{application.name}` has `{one[:40]}`, which this server does not "
                f"have: it has {', '.join(known) or 'none'}"
            )


def _check_prefixes(applications: tuple[Application, ...]) -> None:
    """Raise ValueError if a picture could belong to two applications."""
    ordered = sorted(applications, key=lambda each: each.prefix)
    # What begins with a prefix follows it directly in this order.
    for one, other in itertools.pairwise(ordered):
        if other.prefix.startswith(one.prefix):
            raise ValueError(
                f"the prefix `{other.prefix}` of `{other.name}` begins with `{one.prefix}`, that "
                f"of `{one.name}`: an image must belong to one application"
            )


def _check_secrets(applications: tuple[Application, ...], others: frozenset[str]) -> None:
    """Raise ValueError if a secret or a key would open more than its own application."""
    seen: dict[str, str] = {}
    told = frozenset(
        one for each in applications if each.webhook is not None for one in each.webhook.secrets
    )
    for each in applications:
        secrets = [(each.secret, "secret"), *((one, "signing_keys") for one in each.signing_keys)]
        for text, key in secrets:
            where = f"`{key}` of `{each.name}`"
            if text in seen:
                raise ValueError(f"{where} is the same as {seen[text]}: each needs its own")
            if text in others or text in told:
                raise ValueError(f"{where} is also a secret of another setting: each needs its own")
            seen[text] = where
