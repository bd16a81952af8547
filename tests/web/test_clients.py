"""Who counts as one client, and who is a proxy that nobody has listed."""

import pytest
from structlog.testing import capture_logs

from liveresize.http.transport import clients
from liveresize.http.transport.clients import Networks, UnlistedProxies


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("fe80::1%eth0", "fe80::2", True),
        ("unknown", "unknown", True),
    ],
)
def test_who_counts_as_one(one: str, other: str, same: bool) -> None:
    """All addresses of an IPv6 /64 are one client."""
    assert (clients.counted_as(one) == clients.counted_as(other)) is same


def test_a_private_peer_that_forwards_is_an_unlisted_proxy() -> None:
    """It is warned about once, and known from then on, whatever it sends."""
    proxies = UnlistedProxies(Networks(("10.0.0.0/8",)), Networks(()))
    with capture_logs() as lines:
        assert not proxies.notice("10.0.0.1", None)
        assert "10.0.0.1" not in proxies
        assert proxies.notice("10.0.0.1", "203.0.113.9")
        assert proxies.notice("10.0.0.1", None)
    assert "10.0.0.1" in proxies
    assert [(line["event"], line["client.ip"]) for line in lines] == [
        ("proxy_not_listed", "10.0.0.1")
    ]


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [("203.0.113.1", ()), ("10.0.0.1", ("10.0.0.9/32",))],
    ids=["a public peer", "proxies are listed"],
)
def test_who_cannot_be_an_unlisted_proxy(peer: str, trusted: tuple[str, ...]) -> None:
    """A public peer may claim anything; where proxies are listed, the others are none."""
    proxies = UnlistedProxies(Networks(("10.0.0.0/8",)), Networks(trusted))
    assert not proxies.notice(peer, "203.0.113.9")
    assert peer not in proxies


def test_unlisted_proxies_are_bounded() -> None:
    """A whole private network of them takes no memory without end."""
    proxies = UnlistedProxies(Networks(("10.0.0.0/8",)), Networks(()))
    with capture_logs():
        for number in range(5_000):
            proxies.notice(f"10.0.{number >> 8}.{number & 255}", "203.0.113.9")
    assert len(proxies._found) <= 1024
