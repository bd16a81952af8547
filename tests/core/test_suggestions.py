"""What a client may have meant."""

import pytest

from liveresize import errors
from liveresize.core import parameters, suggestions
from liveresize.core.operation import UrlRules
from liveresize.core.operations import OPERATIONS

PRESETS = UrlRules(presets={"card": (), "thumb": ()})


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("fit=contain", "clip"),
        ("fit=inside", "clip"),
        ("fit=stretch", "fill"),
        ("fit=croop", "crop"),
        ("gravity=top", "north"),
        ("gravity=face", "smart"),
        ("gravity=centre", "center"),
        ("gravity=Left", "west"),
        ("bg=%23fff", "fff"),
        ("bg=%23A0B0C0", "a0b0c0"),
        ("bg=red", "ff0000"),
        ("grey=1", "true"),
        ("animate=no", "false"),
        ("proxy=yes", "true"),
        ("allow_webp=0", "false"),
        ("rotate=-90", "270"),
        ("flip=horizontal", "h"),
        ("preset=crad", "card"),
        ("fit=lpad", "canvas"),
        ("gravity=top-left", "northwest"),
        ("gravity=bottomRight", "southeast"),
        ("gravity=right%20top", "northeast"),
        ("gravity=se", "southeast"),
        ("bg=0xFFEEDD", "ffeedd"),
        ("bg=abc8", "aabbcc88"),
        ("grey=TRUE", "true"),
        ("quality=80%25", "80"),
        ("flip=vh", "hv"),
        ("sharpen=yes", "1"),
        ("radius=circle", "max"),
        ("radius=50%25", "max"),
        ("radius=12px", "12"),
        ("pad=10px%2020px", "10,20"),
        ("pad=10,%2020", "10,20"),
        ("bg=blured", "blur"),
        ("rect=10x20x30x40", "10,20,30,40"),
        ("rect=10px,20px,30px,40px", "10,20,30,40"),
        ("rect=.1:.2:1.5:50%25", "0.1,0.2,1.5,50%"),
        ("trim=auto", "true"),
        ("trim=off", "false"),
    ],
)
def test_a_bad_value_names_the_right_one(query: str, meant: str) -> None:
    """By its usual name elsewhere, or by its spelling."""
    with pytest.raises(errors.BadParameter) as caught:
        parameters.read(query, PRESETS)
    assert caught.value.public.endswith(f" Did you mean `{meant}`?")


@pytest.mark.parametrize(
    "query",
    [
        "fit=xyzzy",
        "quality=abc",
        "bg=%23ff",
        "rotate=45",
        "flip=q",
        "gravity=top-bottom",
        "rect=1,2,3",
    ],
)
def test_what_is_near_nothing_has_no_suggestion(query: str) -> None:
    """A guess would mislead."""
    with pytest.raises(errors.BadParameter) as caught:
        parameters.read(query, PRESETS)
    assert "Did you mean" not in caught.value.public


def test_presets_are_listed() -> None:
    """Or that there are none."""
    with pytest.raises(errors.BadParameter, match=r"presets: `card`, `thumb`\."):
        parameters.read("preset=x", PRESETS)
    with pytest.raises(errors.BadParameter, match="none is"):
        parameters.read("preset=x", UrlRules())


def test_every_suggestion_is_right() -> None:
    """What is suggested is taken."""
    for name, words in suggestions.VALUES.items():
        for meant in words.values():
            parameters.read(f"{name}={meant}", UrlRules())
    assert set(suggestions.PARAMETERS.values()) <= set(parameters.KNOWN)
    assert not {*suggestions.PARAMETERS, *suggestions.IN_PATH} & set(parameters.KNOWN)
    assert set(suggestions.VALUES) <= {*OPERATIONS, "allow_webp", "proxy"}


@pytest.mark.parametrize(
    ("query", "header"),
    [
        ("fti=crop&v=1", "fti (did you mean fit?), v"),
        ("Q=5&greyscale=true", "Q (did you mean quality?), greyscale (did you mean grey?)"),
        ("a=1&a=2&fit=crop", "a"),
        ("Width=1&dpr=2", "Width (in the path: name_W_H.ext), dpr (in the path: name_W_H.ext)"),
        ("heigth=2&v=1", "heigth (in the path: name_W_H.ext), v"),
        ("backround=fff&bg_color=f", "backround (did you mean bg?), bg_color (did you mean bg?)"),
        ("a%0d%0a=1&b<=2&=3&&", ""),
        (
            "&".join(f"p{index}{index}{index}=" for index in range(9)),
            "p000, p111, p222, p333, p444",
        ),
    ],
)
def test_unknown_parameters_are_described(query: str, header: str) -> None:
    """Once each, at most five, of a safe alphabet."""
    unknown = parameters.unknown(query)
    assert ", ".join(suggestions.ignored(unknown, parameters.KNOWN)) == header
