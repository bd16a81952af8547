"""The exception tree is as its docstring draws it, and every error survives a pipe."""

import pickle
import re

import pytest

from liveresize import errors


def descendants(base: type[errors.LiveResizeError]) -> list[type[errors.LiveResizeError]]:
    """`base` and everything below it that errors.py itself defines, in source order."""
    found = [base]
    for child in base.__subclasses__():
        if child.__module__ == errors.__name__:
            found += descendants(child)
    return found


EVERY = descendants(errors.LiveResizeError)


def drawn() -> dict[str, str]:
    """Class → parent, as the tree in the module's docstring has it."""
    parents: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"(?P<lines>(?:│ {3}| {4}|├── |└── )*)(?P<name>[A-Z]\w+)(?: {2,}|$)", line)
        if match and (above or match["name"] == "LiveResizeError"):
            depth = len(match["lines"]) // 4
            above[depth:] = [match["name"]]
            if depth:
                parents[match["name"]] = above[depth - 1]
    return parents


def test_the_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    """Nothing is drawn that does not exist, and nothing exists that is not drawn."""
    assert drawn() == {error.__name__: error.__mro__[1].__name__ for error in EVERY[1:]}


def test_every_exception_of_the_module_is_in_the_tree() -> None:
    """No class of errors.py stands outside LiveResizeError."""
    defined = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and value.__module__ == errors.__name__
    }
    assert defined == set(EVERY)


@pytest.mark.parametrize("args", [(), ("Public.",), ("Public.", "detail"), ("", "detail", 3)])
def test_every_error_survives_the_pipe(args: tuple[object, ...]) -> None:
    """Class, arguments and both texts come out of pickle as they went in."""
    for error in EVERY:
        before = error(*args)
        after = pickle.loads(pickle.dumps(before))
        assert type(after) is error
        assert after.args == args
        assert (after.public, after.detail) == (before.public, before.detail)


def test_every_docstring_is_one_sentence_for_a_reader() -> None:
    """Where no text is given, clients and operators read the docstring: one line, one full stop."""
    for error in EVERY:
        sentence = vars(error).get("__doc__") or ""
        assert re.fullmatch(r"(?:[A-Z]|liveresize )[^\n]*\w\.", sentence), error
        assert error().public == sentence


def test_the_first_argument_is_public_and_the_second_is_for_the_log() -> None:
    """The two texts never mix, and an empty public text falls back to the docstring."""
    error = errors.DiskFull("No room.", "/data: 12 inodes left")
    assert (error.public, error.detail) == ("No room.", "/data: 12 inodes left")
    assert errors.DiskFull("", "secret").public == errors.DiskFull.__doc__
    assert errors.DiskFull("No room.").detail == ""
