"""What an operation is, and the two kinds of which there are several."""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from liveresize.core.values import Quality


class Effect(enum.Enum):
    """What an operation changes."""

    BOX = "how the picture meets its box"
    TURN = "which way the picture is turned"
    FILTER = "the pixels of the result"
    ENCODING = "how the result is encoded"
    FRAMES = "which frames are kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlRules:
    """What configuration says about URLs.

    `quality` are the levels that `auto` stands for, `blur` ten times the sigma that
    `blur=true` stands for. `presets` maps a name to its parameters, in order.
    `webp_opt_in` lets `allow_webp=true` change a format, `webp_always` changes it
    without being asked.
    """

    quality: Quality = field(default_factory=lambda: Quality(82, 80, 60, match=True))
    blur: int = 70
    enlarge: bool = True
    presets: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    webp_opt_in: bool = True
    webp_always: bool = False


def _as_it_is(value: Any, rules: UrlRules) -> Any:
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One parameter of an address, and one field of a rendition.

    `name` is the parameter; empty for what only the API of vip asks for. `attribute` is the
    field, where it has another name. `about` is a sentence for people, `schema` a JSON
    Schema of the values with an `example`, `allowed` the same as the end of a sentence.
    `read` makes the value of a text, and raises ValueError. `plain` is the value that asks
    for nothing; `resolve` makes the field of a rendition of a value, plain ones included.
    `text` writes the field in an address. `token` writes it in a variant, and is empty for
    what shows there by its absence; `pattern` matches such a token, and `parse` reads it
    back, or raises ValueError.
    """

    name: str
    attribute: str = ""
    about: str = ""
    allowed: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)
    example: object = None
    effect: Effect
    plain: Any
    read: Callable[[str, UrlRules], Any]
    resolve: Callable[[Any, UrlRules], Any] = _as_it_is
    text: Callable[[Any], str] = str
    token: Callable[[Any], str]
    pattern: str
    parse: Callable[[str], Any]

    def __post_init__(self) -> None:
        if not self.attribute:
            object.__setattr__(self, "attribute", self.name)

    def changes_stored(self, value: Any, *, animated: bool) -> bool:
        """Whether the stored bytes of an original are not the answer to this value."""
        if value == self.plain or self.effect is Effect.BOX:
            return False
        return animated or self.effect is not Effect.FRAMES


FLAGS = {"true": True, "false": False}
"""The words of a flag."""


def flag(
    name: str,
    about: str,
    effect: Effect,
    token: str,
    *,
    plain: bool | None,
    shown: bool,
    **options: Any,
) -> Operation:
    """`true` or `false`; `shown` is the one that has a token."""
    return Operation(
        name=name,
        about=about,
        allowed="one of `true`, `false`",
        schema={"type": "boolean"} | ({} if plain is None else {"default": plain}),
        effect=effect,
        plain=plain,
        read=lambda text, rules: _look_up(FLAGS, text),
        text=lambda value: str(value).lower(),
        token=lambda value: token if value is shown else "",
        pattern=token,
        parse=lambda text: shown,
        **options,
    )


def choice(
    name: str,
    about: str,
    effect: Effect,
    prefix: str,
    plain: Any,
    values: tuple[Any, ...],
    **options: Any,
) -> Operation:
    """One of a few words or numbers."""
    words = {str(value): value for value in values}
    tokens = {prefix + word: value for word, value in words.items() if value != plain}
    default = {"default": plain} if plain in values else {}
    return Operation(
        name=name,
        about=about,
        allowed="one of " + ", ".join(f"`{word}`" for word in words),
        schema={"enum": list(values), **default},
        effect=effect,
        plain=plain,
        read=lambda text, rules: _look_up(words, text),
        token=lambda value: "" if value == plain else f"{prefix}{value}",
        pattern="|".join(tokens),
        parse=lambda text: tokens[text],
        **options,
    )


def _look_up(words: Mapping[str, Any], text: str) -> Any:
    if text not in words:
        raise ValueError(text)
    return words[text]
