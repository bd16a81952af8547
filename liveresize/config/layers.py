"""The layers of the configuration, and those that the environment gives, weakest first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from liveresize.config import formats

PREFIX = "LIVERESIZE_"
"""What a variable begins with that sets a key: `LIVERESIZE_A__B` sets `a.b`."""

ALIASES = (
    ("PORT", "listen_port"),
    ("BLUR_SIGMA", "blur.sigma"),
    ("AWS_ACCESS_KEY", "aws.access_key"),
    ("AWS_ACCESS_KEY_ID", "aws.access_key"),
    ("AWS_SECRET_ACCESS_KEY", "aws.secret_key"),
    ("AWS_REGION", "aws.region"),
    ("URI_HOSTNAME", "vip.hostname"),
    ("AUTH_TOKEN", "vip.token"),
    ("ALLOWED_ORIGIN", "vip.allowed_origins"),
    ("VIP_SIZE_LIMIT", "vip.size_limit"),
    ("VIP_MAX_WIDTH", "vip.max_width"),
)
"""Variables with names of their own, weakest first; empty ones count as not set."""

OFF = ("DISABLE_HTTP2", "http2")
"""A variable of vip that turns a key off where it says `true`, in any case, or `1`."""

OTHER_VARIABLES = frozenset({"LIVERESIZE_CORPUS", "LIVERESIZE_FOLDER"})
"""Variables that begin with the prefix and set no key: of tests, and of the installed command."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of values, nested as in JSON; `source` is its name in a sentence.

    `textual` layers hold every value as the text of a variable.
    """

    source: str
    values: Mapping[str, object]
    textual: bool = False

    @classmethod
    def of(cls, source: str, path: Sequence[str], value: object, textual: bool = False) -> "Layer":
        """A layer that sets one key, the parts of whose name are `path`."""
        *outer, last = path
        values = {last: value}
        for part in reversed(outer):
            values = {part: values}
        return cls(source, values, textual)


def of_node_config(environ: Mapping[str, str]) -> Iterator[Layer]:
    """The object of NODE_CONFIG, if it is set. Raises SettingsError where it is not JSON."""
    if text := environ.get("NODE_CONFIG"):
        source = "environment variable NODE_CONFIG"
        yield Layer(source, formats.parse_object(text, source))


def of_environment(environ: Mapping[str, str]) -> Iterator[Layer]:
    """One layer for every variable that sets something, the most specific ones last."""
    for variable, name in ALIASES:
        if environ.get(variable):
            yield _variable(variable, name.split("."), environ[variable])
    if environ.get(OFF[0], "").strip().lower() in ("true", "1"):
        yield _variable(OFF[0], [OFF[1]], "false")
    # `A` goes before `A__B`: a whole object first, then single keys of it.
    for variable in sorted(environ, key=lambda each: (each.count("__"), each)):
        if variable.startswith(PREFIX) and variable not in OTHER_VARIABLES:
            path = variable.removeprefix(PREFIX).lower().split("__")
            yield _variable(variable, path, environ[variable])


def _variable(variable: str, path: Sequence[str], text: str) -> Layer:
    return Layer.of(f"environment variable {variable}", path, text, textual=True)
