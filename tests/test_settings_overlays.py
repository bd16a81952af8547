"""The settings of overlays: what is refused, and with which words."""

import json
import re
from pathlib import Path

import pytest

from liveresize import config, errors
from liveresize.app import container, rules
from liveresize.core import overlay
from liveresize.core.overlay import Above, Overlay
from liveresize.core.values import COMPASS
from liveresize.settings import overlays as settings_of_overlays

LOGO: dict[str, object] = {"picture": "brand"}

REFUSED: list[tuple[dict[str, object], object, str]] = [
    ({"my logo": LOGO}, None, "`my logo` is no name of an overlay"),
    ({"Logo": LOGO}, None, "`Logo` is no name of an overlay"),
    ({"-logo": LOGO}, None, "`-logo` is no name of an overlay"),
    ({"a" * 33: LOGO}, None, "is no name of an overlay"),
    ({"logo": {}}, None, "`logo` has no `picture`"),
    ({"logo": {"pictur": "x"}}, None, "(did you mean `picture`?)."),
    ({"logo": {**LOGO, "text": "hello"}}, None, "`logo` has `text`, which is not known."),
    ({"logo": {**LOGO, "gravity": "smart"}}, None, "`gravity` of `logo` must be one of center"),
    ({"logo": {**LOGO, "gravity": "nort"}}, None, "(did you mean `north`?)."),
    ({"logo": {**LOGO, "scale": 25}}, None, "`scale` of `logo` must be a fraction of the width"),
    ({"logo": {**LOGO, "scale": float("nan")}}, None, "must be"),
    ({"logo": {**LOGO, "opacity": 0}}, None, "`opacity` of `logo` must be a number from 0.01"),
    ({"logo": {**LOGO, "opacity": True}}, None, "`opacity` of `logo` must be a number"),
    ({"logo": {**LOGO, "margin": -1}}, None, "`margin` of `logo` must be a fraction"),
    ({"logo": {**LOGO, "tile": 1}}, None, "`tile` of `logo` must be true or false"),
    ({"logo": {"picture": ""}}, None, "must be the id of an image"),
    ({"logo": {"picture": "cat.jpg"}}, None, "An id must not end in `.jpg`"),
    ({"logo": {"picture": "a/b"}}, None, "no id of an image"),
    ({"logo": "brand"}, None, "must be an object of named objects"),
    ({"logo": LOGO}, {"width": 400}, "`overlay` must be a name of `overlays`"),
    ({"logo": LOGO}, {"width": 400, "overlay": "lgo"}, "(did you mean `logo`?)."),
    ({"logo": LOGO}, {"width": 0, "overlay": "logo"}, "`width` must be a whole number from 1"),
    ({"logo": LOGO}, {"width": "9", "overlay": "logo"}, "`width` must be a whole number from 1"),
    ({"logo": LOGO}, {"widht": 9, "overlay": "logo"}, "(did you mean `width`?)."),
    ({"logo": LOGO}, [], "must be an object or null"),
    ({}, {"width": 400, "overlay": "logo"}, "`overlay` must be a name of `overlays`"),
]


def read(folder: Path, overlays: object, above: object, **more: str) -> config.Settings:
    """Settings from the environment; raises SettingsError as the first start would."""
    given = {"OVERLAYS": overlays, "CONSTRAINTS__OVERLAY_ABOVE": above}
    environ = {f"LIVERESIZE_{name}": json.dumps(value) for name, value in given.items()}
    settings = config.load({**environ, **more}, directory=folder)
    container.check(settings)
    return settings


@pytest.mark.parametrize(("overlays", "above", "words"), REFUSED)
def test_what_cannot_be_drawn_stops_the_start(
    tmp_path: Path, overlays: object, above: object, words: str
) -> None:
    """The sentence names the setting and the field, and what was meant."""
    with pytest.raises(errors.SettingsError) as refused:
        read(tmp_path, overlays, above)
    key = "overlays" if above is None else "constraints.overlay_above"
    assert key in refused.value.public
    assert words in refused.value.public
    assert "?.." not in refused.value.public


def test_fractions_become_thousandths(tmp_path: Path) -> None:
    """Each field has its default, and null turns the limit off."""
    given = {
        "picture": "marke-ä",
        "gravity": "north",
        "scale": 0.333,
        "opacity": 1,
        "margin": 0,
        "tile": True,
    }
    settings = read(tmp_path, {"logo": LOGO, "a-1": given}, {"width": 400, "overlay": "a-1"})
    made = rules.overlay_rules(settings)
    assert made.above == Above(400, "a-1")
    assert made.overlays == {
        "logo": Overlay(name="logo", picture="brand"),
        "a-1": Overlay(
            name="a-1",
            picture="marke-ä",
            gravity=COMPASS["north"],
            scale=333,
            opacity=1000,
            margin=0,
            tile=True,
        ),
    }
    assert rules.url_rules(settings).overlays == ("logo", "a-1")
    assert rules.overlay_rules(read(tmp_path, {"logo": LOGO}, None)).above is None
    assert settings.warnings == ()


def test_where_every_url_needs_a_signature_nothing_is_forced(tmp_path: Path) -> None:
    """A warning says so."""
    keys = {"LIVERESIZE_SIGNING__KEYS": "k" * 16, "LIVERESIZE_SIGNING__REQUIRED": "true"}
    settings = read(tmp_path, {"logo": LOGO}, {"width": 400, "overlay": "logo"}, **keys)
    (warning,) = settings.warnings
    assert warning.startswith("constraints.overlay_above has no effect")


def test_names_are_those_of_variants() -> None:
    """Settings may not read the code of variants, so both have the pattern."""
    for name in ("a", "a-b", "a1-2b", "a" * 32, "a--b", "-a", "a-", "A", "ä", "a.b", "a" * 33, ""):
        token = overlay.OverlayMark(name, "0" * 12).token
        try:
            read_back = overlay.OverlayMark.parse(token).name
        except ValueError:
            read_back = None
        taken = bool(settings_of_overlays.NAME.fullmatch(name))
        assert taken == (bool(re.fullmatch(overlay.TOKEN, token)) and read_back == name), name
