"""The settings of applications: what is refused, with which words, and whose a name is."""

import json
from pathlib import Path

import pytest

from liveresize import config, errors
from liveresize.settings.applications import Application, Applications

SECRET = "a-secret-of-the-shop"
SHOP: dict[str, object] = {"secret": SECRET, "prefix": "shop-"}
NEWS: dict[str, object] = {"secret": "a-secret-of-the-news", "prefix": "news-"}
HOOK = {"url": "https://a", "secrets": ["x" * 16], "events": ["picture.deleted"]}

REFUSED: list[tuple[dict[str, object], str]] = [
    ({"my shop": SHOP}, "`my shop` is no name of an application"),
    ({"a" * 33: SHOP}, "is no name of an application"),
    ({"shop": {"prefix": "shop-"}}, "`shop` has no `secret`"),
    ({"shop": {"secret": SECRET}}, "`shop` has no `prefix`"),
    ({"shop": {**SHOP, "prefx": "x"}}, "`prefx`, which is not known (did you mean `prefix`?)"),
    ({"shop": {**SHOP, "secret": "short"}}, "`secret` of `shop` must be a text of at least 16"),
    *(
        ({"shop": {**SHOP, "prefix": prefix}}, "`prefix` of `shop` must be the beginning of ids")
        for prefix in ("", "_x", "a/b", "a\\b", "a\n", "cafe\u0301", "x" * 201, 7)
    ),
    ({"shop": {**SHOP, "max_pictures": -1}}, "`max_pictures` of `shop` must be a whole number"),
    ({"shop": {**SHOP, "max_bytes_total": "1"}}, "`max_bytes_total` of `shop` must be a whole"),
    ({"shop": {**SHOP, "max_pictures": True}}, "`max_pictures` of `shop` must be a whole number"),
    ({"shop": {**SHOP, "formats": []}}, "`formats` of `shop` must be a list"),
    ({"shop": {**SHOP, "formats": ["tiff"]}}, "has `tiff`, which this server does not have"),
    ({"shop": {**SHOP, "presets": ["card"]}}, "has `card`, which this server does not have"),
    ({"shop": {**SHOP, "signing_keys": ["short"]}}, "`signing_keys` of `shop` must be a list"),
    ({"shop": {**SHOP, "webhook": "https://a"}}, "`webhook` of `shop` must be an object"),
    ({"shop": {**SHOP, "webhook": {"url": "x"}}}, "`webhook` of `application:shop` needs a `url`"),
    ({"shop": {**SHOP, "renders_per_second": -1}}, "`renders_per_second` of `shop` must be"),
    ({"shop": SHOP, "eu": {**NEWS, "prefix": "shop-eu-"}}, "`shop-eu-` of `eu` begins with `shop-"),
    ({"shop": SHOP, "two": {**NEWS, "prefix": "shop-"}}, "begins with `shop-`"),
    ({"shop": SHOP, "two": {**NEWS, "secret": SECRET}}, "is the same as `secret` of `shop`"),
    (
        {"shop": {**SHOP, "signing_keys": ["k" * 16]}, "two": {**NEWS, "signing_keys": ["k" * 16]}},
        "`signing_keys` of `two` is the same as `signing_keys` of `shop`",
    ),
    ({"shop": {**SHOP, "secret": "the-secret-of-all"}}, "is also a secret of another setting"),
    ({"shop": {**SHOP, "secret": "an-admin-secret-x"}}, "is also a secret of another setting"),
    ({"shop": {**SHOP, "secret": "x" * 16, "webhook": HOOK}}, "is also a secret of another"),
    ({"shop": SECRET}, "must be an object of named objects"),
]


def read(folder: Path, applications: object) -> config.Settings:
    """Settings from the environment, with other secrets."""
    environ = {
        "LIVERESIZE_APPLICATIONS": json.dumps(applications),
        "LIVERESIZE_SECRET": "the-secret-of-all",
        "LIVERESIZE_ADMIN__SECRETS": json.dumps(["an-admin-secret-x"]),
    }
    return config.load(environ, directory=folder)


def test_what_could_not_work_stops_the_start(tmp_path: Path) -> None:
    """Each mistake is one sentence that names the key, and never quotes a secret."""
    for applications, words in REFUSED:
        with pytest.raises(errors.SettingsError) as refused:
            read(tmp_path, applications)
        sentence = refused.value.public
        assert words in sentence, applications
        assert sentence.startswith("applications in ") or "must be an object of" in sentence
        assert SECRET not in sentence


def test_whole_entries_are_taken(tmp_path: Path) -> None:
    """All fields of an application are read, with their defaults."""
    full = {
        **SHOP,
        "max_bytes_total": 10,
        "max_pictures": 2,
        "formats": ["jpg", "png"],
        "signing_keys": ["k" * 16],
        "webhook": HOOK,
        "renders_per_second": 0.5,
    }
    news, shop = read(tmp_path, {"shop": full, "news": NEWS}).shared_by
    assert (shop.formats, shop.max_pictures, shop.renders_per_second) == (("jpeg", "png"), 2, 0.5)
    assert shop.webhook is not None
    assert shop.webhook.name == "application:shop"
    assert (news.formats, news.max_bytes_total, news.webhook) == ((), 0, None)
    assert not config.load({}, directory=tmp_path).shared_by


def test_a_name_belongs_to_the_application_of_its_prefix() -> None:
    """Prefixes that are alike in part keep their pictures apart."""
    registry = Applications(
        Application(name=prefix, prefix=prefix, secret="")
        for prefix in ("a-", "a.", "ab", "é", "z")
    )
    for name, expected in {
        "a-": "a-",
        "a-1": "a-",
        "a.1": "a.",
        "ab-1": "ab",
        "abc": "ab",
        "a": None,
        "aa": None,
        "A-1": None,
        "é1": "é",
        "e\u03011": None,
        "zz": "z",
        "y": None,
        "\U0010ffff": None,
        "": None,
    }.items():
        found = registry.of(name)
        assert (found and found.name) == expected, name
        assert registry.label(name) == expected
    assert registry.of("a-1", "bucket") is None
    assert registry.label("bucket/a-1") is None
    cafe = Application(name="cafe", prefix="cafe", secret="")
    assert cafe.covers("cafe-1")
    assert not cafe.covers("cafe\u0301-1")  # in NFC the name begins with café
    assert not cafe.covers("cafe-1", "bucket")
