"""A server to be killed: it opens a pool, says which processes it has, and waits."""

import asyncio
import contextlib
import json
import sys

from liveresize import errors
from workers import deeds, pools


async def main(busy: str, leave: bool) -> None:
    """Run until killed, with one worker at the deed `busy`; or close and go."""
    pool = pools.made()
    await pool.start()
    job = asyncio.ensure_future(pool.run(deeds.job(busy)))
    await asyncio.sleep(0)
    print(json.dumps(pool.stats.pids), flush=True)  # noqa: T201 - this is how it tells
    if leave:
        await pool.close(0.0)
    with contextlib.suppress(errors.ShuttingDown):
        await job


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2] == "leave"))
