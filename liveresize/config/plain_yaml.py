"""YAML with the values of JSON alone, as node-config's readers of YAML 1.2 take it.

PyYAML reads YAML 1.1, where `on` and `no` are switches, `010` is 8, `1:30` is 90 and
`2026-01-01` is a date. Here words other than `true`, `false` and `null` are text, and so
are dates. A number that readers of YAML disagree on is refused.
"""

import re
from collections.abc import Hashable
from typing import Any

import yaml

_TAG = "tag:yaml.org,2002:"
_AMBIGUOUS = "!ambiguous"

_PLAIN = (
    (f"{_TAG}null", r"~|null|Null|NULL|", "~nN\0"),
    (f"{_TAG}bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    # Octal, binary, grouped and sexagesimal numbers.
    (
        _AMBIGUOUS,
        r"[-+]?(?:0o?[0-9_]+|0b[01_]+|[0-9][0-9_]*_[0-9_]*|[0-9]+(?::[0-5]?[0-9])+)",
        "-+0123456789",
    ),
    (f"{_TAG}int", r"[-+]?(?:[0-9]+|0x[0-9a-fA-F]+)", "-+0123456789"),
    (
        f"{_TAG}float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?",
        "-+.0123456789",
    ),
    (f"{_TAG}merge", r"<<", "<"),
)
"""Tags of plain words, with their pattern and the characters that they begin with."""


class _Loader(yaml.SafeLoader):
    """Reads mappings whose keys are texts, none of them twice."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  # PyYAML declares it on the class
    yaml_constructors = {
        f"{_TAG}{name}": yaml.SafeLoader.yaml_constructors[f"{_TAG}{name}"]
        for name in ("null", "bool", "int", "float", "str", "seq", "map")
    } | {None: yaml.SafeLoader.yaml_constructors[None]}

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Compose a mapping. Raises ComposerError for a key that is no text, or there twice."""
        node = super().compose_mapping_node(anchor)
        names: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.composer.ComposerError(None, None, "a key is no text", key.start_mark)
            if key.value in names:
                raise yaml.composer.ComposerError(
                    None, None, f"the key {key.value} stands twice in one object", key.start_mark
                )
            names.add(key.value)
        return node

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Hashable, object]:
        """The object of a mapping; `1:` and `true:` are keys of text, as in JavaScript."""
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep) for key, value in node.value}

    def refuse(self, node: yaml.ScalarNode) -> None:
        """Raise ConstructorError for a number that readers of YAML disagree on."""
        raise yaml.constructor.ConstructorError(
            None,
            None,
            "readers of YAML disagree on this number: write it in plain digits, or as text in "
            "quotes",
            node.start_mark,
        )


for _tag, _pattern, _first in _PLAIN:
    _starts = ["" if each == "\0" else each for each in _first]
    _Loader.add_implicit_resolver(_tag, re.compile(f"(?:{_pattern})\\Z"), _starts)
_Loader.add_constructor(_AMBIGUOUS, _Loader.refuse)


def load(text: str) -> object:
    """The value of `text`, an empty object where it holds nothing. Raises YAMLError."""
    loader = _Loader(text)
    try:
        value = loader.get_single_data()
    finally:
        loader.dispose()
    return {} if value is None else value
