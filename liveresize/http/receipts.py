"""The receipt of an erasure as JSON: what is gone where, and when the last redirect ends."""

from dataclasses import dataclass
from typing import Any

from liveresize.core import numbers
from liveresize.core.erasures import Progress, Telling


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    """What pictures are kept in, besides the disks of instances.

    `caches` are the names of those of `cdn.purge`, and `readers` the same as receivers of events.
    """

    bucket: bool
    mirror: bool
    caches: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()

    def document(self, progress: Progress) -> dict[str, Any]:
        """Return what is known of an erasure.

        It is `complete` when nothing is left in any place, and no redirect is held any more.
        """
        erasure = progress.erasure
        stores = {"gone_at": _instant(erasure.stores_at)}
        caches = [
            _cache(name, progress.tellings.get(reader, Telling(waits=True)))
            for name, reader in zip(self.caches, self.readers, strict=True)
        ]
        instances = [
            {
                "instance": each.name,
                "seen_at": _instant(each.seen_at),
                "gone_at": _instant(each.gone_at),
            }
            for each in progress.instances
        ]
        done = (
            bool(instances)
            and all(each["gone_at"] for each in instances)
            and (erasure.stores_at is not None or not (self.bucket or self.mirror))
            and all(each["state"] in ("told", "later") for each in caches)
            and erasure.redirects_end <= progress.now
        )
        in_bucket = {"bucket": erasure.image.bucket} if erasure.image.bucket else {}
        return {
            "erasure": erasure.generation,
            "id": erasure.image.name,
            **in_bucket,
            "erased_at": _instant(erasure.at),
            "redirects_end": _instant(erasure.redirects_end),
            "complete": done,
            "instances": instances,
            "renditions": stores if self.bucket else None,
            "mirror": stores if self.mirror else None,
            "caches": caches,
        }


def _cache(name: str, telling: Telling) -> dict[str, Any]:
    """Return how far a cache is told; `later` if it was configured after the erasure."""
    if telling.failed:
        state = "failed"
    elif telling.at is not None:
        state = "told"
    else:
        state = "waiting" if telling.waits else "later"
    return {"cache": name, "state": state, "at": _instant(telling.at), "tries": telling.tries}


def _instant(at: float | None) -> str | None:
    return None if at is None else numbers.iso_instant(at)
