"""Check of what is public: tokens, deleting, the details of the server, and the studio."""

import ipaddress
from collections.abc import Iterator, Sequence

from liveresize.maintenance.doctor.findings import Finding, ok, problem, warning


def tokens(networks: Sequence[str], *, has_secret: bool, for_others: bool) -> Iterator[Finding]:
    """Check who gets upload tokens."""
    part = "secret"
    if has_secret:
        yield ok(part, "POST /token asks for the secret.")
    elif everybody := _everybody(networks):
        yield problem(
            part,
            f"It is empty, and token.networks has {everybody}: anyone can upload.",
            "Set secret, and have your application ask for tokens.",
        )
    elif for_others:
        yield warning(
            part,
            "It is empty, and other machines can connect: every client in token.networks can "
            "upload.",
            "Set secret, and have your application ask for tokens.",
        )
    else:
        yield ok(part, "It is empty: programs of this machine and its proxy can get tokens.")


def admin(networks: Sequence[str], *, has_secrets: bool) -> Iterator[Finding]:
    """Check who may delete, and who sees the details of /_ready and /_metrics."""
    part = "admin"
    if everybody := _everybody(networks):
        yield warning(
            part,
            f"admin.networks has {everybody}: anyone sees /_metrics and the parts of /_ready.",
            "List the networks of your monitoring.",
        )
    else:
        yield ok(part, f"{len(networks)} networks see /_metrics and the parts of /_ready.")
    yield ok(
        part,
        "DELETE and /purge ask for one of admin.secrets."
        if has_secrets
        else "DELETE and /purge are off.",
    )


def studio(*, on: bool, has_secrets: bool, for_others: bool) -> Iterator[Finding]:
    """Check who may use the studio."""
    part = "studio"
    if not on:
        yield ok(part, "It is off.")
    elif for_others and not has_secrets:
        yield problem(
            part,
            "It is open to everyone who can connect.",
            "Set studio to false, or listen_address to 127.0.0.1.",
        )
    else:
        yield ok(part, "It is on, for this machine." if not for_others else "It is on.")


def _everybody(networks: Sequence[str]) -> str:
    """Return a network that has every address, if there is one."""
    return next((each for each in networks if ipaddress.ip_network(each).prefixlen == 0), "")
