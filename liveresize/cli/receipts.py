"""Receipts of deletions as text."""

from collections.abc import Mapping
from typing import Any


def text(receipt: Mapping[str, Any]) -> str:
    """Return a receipt as lines: one for each place."""
    state = "complete" if receipt["complete"] else "not complete yet"
    stores = {name: receipt[name] for name in ("renditions", "mirror") if receipt[name]}
    return "\n".join(
        [
            f"receipt {receipt['erasure']}: {state}",
            f"redirects end {receipt['redirects_end']}",
            *(
                _line(
                    f"instance {each['instance']}",
                    each["gone_at"],
                    f"not yet, last seen {each['seen_at']}",
                )
                for each in receipt["instances"]
            ),
            *(_line(name, each["gone_at"], "not yet") for name, each in stores.items()),
            *(
                _line(
                    f"cache {each['cache']}",
                    each["at"] if each["state"] == "told" else None,
                    each["state"],
                )
                for each in receipt["caches"]
            ),
        ]
    )


def _line(place: str, gone_at: str | None, otherwise: str) -> str:
    return f"{place}: gone {gone_at}" if gone_at else f"{place}: {otherwise}"
