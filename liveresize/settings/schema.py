"""What a configuration key is: its type, default, allowed values and one sentence.

A section is a frozen dataclass whose fields are made with `key` or `section`; the list
of keys, the checks, the example file and the reference are all read from it.
"""

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from liveresize.settings import values
from liveresize.settings.values import Form, Kind

_KINDS: dict[object, Kind] = {
    bool: Kind.SWITCH,
    int: Kind.WHOLE,
    float: Kind.NUMBER,
    str: Kind.TEXT,
    tuple[str, ...]: Kind.TEXTS,
    Mapping[str, object]: Kind.OBJECT,
    Mapping[str, Mapping[str, str]]: Kind.PRESETS,
    Mapping[str, Mapping[str, object]]: Kind.OBJECTS,
    Mapping[str, str]: Kind.NAMED_TEXTS,
    tuple[Mapping[str, object], ...]: Kind.ENTRIES,
}

_Value = typing.TypeVar("_Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of the configuration. `name` is dotted, as in `constraints.max_width`."""

    name: str
    default: object
    kind: Kind
    nullable: bool
    description: str
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    form: Form | None = None
    secret: bool = False
    advanced: bool = False
    aliases: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def allowed(self) -> str:
        """What a value must be, in words."""
        if self.choices:
            words = " or ".join(self.choices) if len(self.choices) == 2 else ""
            words = words or "one of " + ", ".join(self.choices)
            return f"a list, each {words}" if self.kind is Kind.TEXTS else words
        if self.form is not None:
            return f"a list, each {self.form.value}" if self._is_list else self.form.value
        words = self.kind.value
        if self.least is not None and self.most is not None:
            words += f" from {plain(self.least)} to {plain(self.most)}"
        elif self.least is not None:
            words += f" of at least {plain(self.least)}"
        return words + (" or null" if self.nullable else "")

    @property
    def _is_list(self) -> bool:
        return self.kind is Kind.TEXTS

    def read(self, value: object) -> object:
        """`value`, checked, as its type; None stands for the default.

        Raises ValueError, whose argument says what is allowed, for anything else.
        """
        if value is None:
            return self.default
        try:
            checked = values.read(self.kind, value)
        except ValueError:
            raise ValueError(self.allowed) from None
        if self.aliases and isinstance(checked, tuple):
            checked = tuple(dict.fromkeys(self.aliases.get(each, each) for each in checked))
        if not self._in_range(checked) or not self._spelled_well(checked):
            raise ValueError(self.allowed)
        return checked

    def _in_range(self, value: object) -> bool:
        if self.kind not in (Kind.WHOLE, Kind.NUMBER):
            return True
        low = -math.inf if self.least is None else self.least
        high = math.inf if self.most is None else self.most
        return low <= typing.cast(float, value) <= high

    def _spelled_well(self, value: object) -> bool:
        if not self.choices and self.form is None:
            return True
        texts = value if isinstance(value, tuple) else (value,)
        if self.form is not None:
            return all(values.has_form(text, self.form) for text in texts)
        return all(text in self.choices for text in texts)


def plain(value: object) -> object:
    """`value` as JSON writes it best: 30 rather than 30.0, a list rather than a tuple."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return list(value) if isinstance(value, tuple) else value


def key(
    default: _Value,
    description: str,
    *,
    least: float | None = None,
    most: float | None = None,
    choices: tuple[str, ...] = (),
    form: Form | None = None,
    secret: bool = False,
    advanced: bool = False,
    aliases: Mapping[str, str] | None = None,
) -> _Value:
    """Declare a key in a section; a secret stays out of `repr`, and what is `advanced` is marked
    in the documentation: hardly anybody needs it.

    `aliases` are other words for `choices` in a list.
    """
    details = {
        "description": description,
        "least": least,
        "most": most,
        "choices": choices,
        "form": form,
        "secret": secret,
        "advanced": advanced,
        "aliases": aliases or {},
    }
    made: _Value
    if isinstance(default, dict):
        copy = default.copy
        made = dataclasses.field(default_factory=copy, repr=not secret, metadata=details)  # type: ignore[assignment]
    else:
        made = dataclasses.field(default=default, repr=not secret, metadata=details)
    return made


def section(of: Callable[[], _Value]) -> _Value:
    """Declare a section inside another, filled with its defaults."""
    made: _Value = dataclasses.field(default_factory=of)
    return made


def keys(of: type, prefix: str = "") -> Iterator[Key]:
    """Every key of the dataclass `of`, in the order of declaration."""
    for field in dataclasses.fields(of):
        name = prefix + field.name
        if isinstance(field.type, type) and dataclasses.is_dataclass(field.type):
            yield from keys(field.type, f"{name}.")
        elif field.metadata:
            kind, nullable = _without_none(field.type)
            yield Key(
                name=name,
                default=_default(field),
                kind=_KINDS[kind],
                nullable=nullable,
                **field.metadata,
            )


def secrets(of: type) -> Iterator[str]:
    """The names of the keys of `of` that are secret."""
    return (each.name for each in keys(of) if each.secret)


def build(of: type[_Value], found: Mapping[str, object], prefix: str = "") -> _Value:
    """The dataclass `of` with the values of `found` (dotted names), defaults elsewhere."""
    arguments: dict[str, object] = {}
    for field in dataclasses.fields(of):  # type: ignore[arg-type]
        name = prefix + field.name
        if isinstance(field.type, type) and dataclasses.is_dataclass(field.type):
            arguments[field.name] = build(field.type, found, f"{name}.")
        elif name in found:
            arguments[field.name] = found[name]
    return of(**arguments)


def value(of: object, name: str) -> object:
    """The value of the dotted key `name` in the dataclass `of`."""
    return functools.reduce(getattr, name.split("."), of)


def _default(field: "dataclasses.Field[object]") -> object:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _without_none(annotation: object) -> tuple[object, bool]:
    """`int | None` becomes `(int, True)`, `int` becomes `(int, False)`."""
    if isinstance(annotation, types.UnionType):
        (base,) = (each for each in typing.get_args(annotation) if each is not type(None))
        return base, True
    return annotation, False
