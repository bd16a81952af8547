"""The type of an operation, and constructors for the two common kinds."""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from liveresize.core.values import Quality


class Effect(enum.Enum):
    """What an operation changes."""

    PART = "which part of the picture is shown"
    BOX = "how the picture meets its box"
    TURN = "which way the picture is turned"
    EDGE = "the corners of the result, and what is around it"
    FILTER = "the pixels of the result"
    OVERLAY = "what is drawn over the result"
    ENCODING = "how the result is encoded"
    FRAMES = "which frames are kept"
    RANGE = "which colours and which brightness are kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlRules:
    """The settings that the parser of URLs needs.

    `quality` has the levels for `quality=auto`, `visual` is the SSIM in thousandths for
    `quality=visual`, and `blur` ten times the sigma for `blur=true`. `presets` maps a name to its
    parameters, in order. With `webp_opt_in`, `allow_webp=true` can change the format; with
    `webp_always` the format changes without that parameter. With `lenient`, invalid values are
    ignored. With `rights`, renditions say the rights of their picture. `jxl` says whether JPEG XL
    is made, and `jxl_in_auto` whether `auto` offers it.
    """

    quality: Quality = field(default_factory=lambda: Quality(82, 80, 60, match=True))
    visual: int = 960
    blur: int = 70
    enlarge: bool = True
    presets: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    webp_opt_in: bool = True
    webp_always: bool = False
    overlays: tuple[str, ...] = ()
    lenient: bool = False
    rights: bool = False
    jxl: bool = False
    jxl_in_auto: bool = False


def _as_it_is(value: Any, rules: object) -> Any:
    return value


Scale = Callable[[int], int]
"""Multiplies pixels by the density of a URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One parameter of a URL, and one field of a rendition.

    `name` is the parameter; it is empty if no parameter sets the operation, but the API of vip or
    the settings. `attribute`
    is the field, if it has another name. `about` is a sentence for people, `schema` a JSON
    Schema of the values with an `example`, `allowed` the same as the end of a sentence.
    `configured` returns the values that the settings allow, for an error to list.
    `read` parses a text, and raises ValueError. `plain` is the value without an effect;
    `resolve` returns the field of the rendition for a value, plain ones included. `text`
    formats the field for a URL. `scaled` multiplies a value in pixels by the density of the URL.
    `token` formats it for a variant, and returns "" for the default; `pattern` matches such a
    token, and `parse` parses it, or raises ValueError.
    """

    name: str
    attribute: str = ""
    about: str = ""
    allowed: str = ""
    configured: Callable[[UrlRules], tuple[str, ...]] | None = None
    schema: Mapping[str, Any] = field(default_factory=dict)
    example: object = None
    effect: Effect
    plain: Any
    read: Callable[[str, UrlRules], Any]
    resolve: Callable[[Any, UrlRules], Any] = _as_it_is
    text: Callable[[Any], str] = str
    scaled: Callable[[Any, Scale], Any] = _as_it_is
    token: Callable[[Any], str]
    pattern: str
    parse: Callable[[str], Any]

    def __post_init__(self) -> None:
        if not self.attribute:
            object.__setattr__(self, "attribute", self.name)

    def changes_stored(self, value: Any, *, animated: bool) -> bool:
        """Whether the stored bytes of an original cannot be sent for this value."""
        if value == self.plain or self.effect in (Effect.BOX, Effect.RANGE):
            return False
        return animated or self.effect is not Effect.FRAMES


FLAGS = {"true": True, "false": False}
"""The texts of a flag in a URL."""


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
    """Return an operation with the values `true` and `false`; `shown` is the one with a token."""
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
    """Return an operation with a few words or numbers as values."""
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
