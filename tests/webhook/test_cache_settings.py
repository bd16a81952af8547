"""`cdn.purge` is checked at the start, and no error repeats what may be a secret."""

from pathlib import Path
from typing import Any

import pytest
from web import servers

from liveresize import config, errors
from liveresize.config import report

GOOD: list[dict[str, Any]] = [
    {"driver": "cloudflare", "zone": "0a1b", "token": "hidden", "objects": "https://cdn.example"},
    {"driver": "fastly", "service": "SU1Z", "token": "hidden", "soft": True},
    {"driver": "varnish", "urls": ["http://user:hidden@varnish:6081"], "header": "X-Tag"},
    {
        "driver": "http",
        "name": "edge",
        "method": "PURGE",
        "url": "{url}",
        "headers": {"X-Key": "hidden"},
        "site": "https://images.example.com",
        "paths": ["/{name}_400_0.jpg"],
    },
]


def test_caches_are_read(tmp_path: Path) -> None:
    """From JSON, under their names; what check-config shows has no secret."""
    settings = config.load(servers.environ(tmp_path, cdn__purge=GOOD), tmp_path)
    assert [cache.name for cache in settings.cdn.caches] == [
        "cloudflare",
        "fastly",
        "varnish",
        "edge",
    ]
    assert "hidden" not in report.table(settings) + repr(settings)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"driver": "akamai", "token": "hidden"}, "entry 1 needs a `driver`"),
        ({"driver": "fastly", "token": "hidden"}, "needs `service`"),
        ({"driver": "fastly", "service": "a/hidden", "token": "x"}, "a `service` that is not"),
        ({"driver": "fastly", "service": "a", "token": "hidden\n"}, "a `token` that is not"),
        ({"driver": "fastly", "service": "a", "token": "x", "zone": "y"}, "not known, `zone`"),
        ({"driver": "varnish", "urls": "http://hidden"}, "a `urls` that is not"),
        ({"driver": "varnish", "urls": ["ftp://hidden"]}, "a `urls` that is not"),
        ({"driver": "varnish", "urls": ["http://h"], "method": "GET"}, "not BAN or PURGE"),
        ({"driver": "varnish", "urls": ["http://h"], "method": "PURGE"}, "needs `site`"),
        ({"driver": "varnish", "urls": ["http://h"], "paths": ["/{name}.x"]}, "has `paths`"),
        ({"driver": "http", "url": "http://h/{hidden}"}, "a `url` that is not"),
        ({"driver": "http", "url": "http://h", "headers": {"A b": "hidden"}}, "a `headers` that"),
        ({"driver": "http", "url": "http://h", "headers": {"A": "x\r\nB: hidden"}}, "a `headers`"),
        ({"driver": "cloudflare", "zone": "a", "token": "x", "by": "urls"}, "needs `site`"),
        ({"driver": "cloudflare", "zone": "a", "token": "x", "name": "hidden "}, "a `name` that"),
    ],
)
def test_a_mistake_stops_the_start(given: dict[str, Any], words: str, tmp_path: Path) -> None:
    """Which says where it is and what would be right."""
    with pytest.raises(errors.SettingsError, match=r"^cdn\.purge in ") as caught:
        config.load(servers.environ(tmp_path, cdn__purge=[given]), tmp_path)
    assert words in str(caught.value)
    shown = str(caught.value).replace("`zone`", "")
    assert "hidden" not in shown


def test_two_caches_need_two_names(tmp_path: Path) -> None:
    """By their names they are told of what happened while the server was off."""
    with pytest.raises(errors.SettingsError, match="two entries have the name `varnish`"):
        config.load(servers.environ(tmp_path, cdn__purge=[GOOD[2], GOOD[2]]), tmp_path)
