"""Several real instances on one PostgreSQL, as they stand behind nginx."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from storage import worlds
from web import servers


@contextlib.contextmanager
def instances(folder: Path, count: int, **keys: object) -> Iterator[list[servers.Process]]:
    """`count` instances, each with a folder of its own, all with the settings `keys`."""
    with worlds.postgresql_url() as url, contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(
                servers.Process(
                    folder / f"instance-{number}",
                    postgresql__url=url,
                    trusted_proxies=["127.0.0.0/8"],
                    admin__secrets=[servers.ADMIN],
                    **keys,
                )
            )
            for number in range(count)
        ]
