"""How a measured engine is spoken to: one JSON object a line in, one a line out.

A request is `source`, `width` and `height` of the box, `crop`, `format` of the result,
`settings`, and `out`, where the result is written after the clock has stopped (or null).
`settings` are `quality`, and unless `defaults` is true also `progressive`, `optimize`,
`level`, `effort` and `speed`, whichever the format has. Pictures are never enlarged.
The answer is `ms` on the clock, `cpu_ms` of the whole process, and `bytes`, beside
whatever the engine tells of its own stages; or `error`.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Request = dict[str, Any]
Done = tuple[bytes, dict[str, float]]
"""The result, and the ms of the stages that the engine tells, if any."""


def serve(render: Callable[[Request], Done]) -> None:
    """Answer requests until the input ends."""
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(_answer(render, request)), flush=True)


def _answer(render: Callable[[Request], Done], request: Request) -> dict[str, object]:
    cpu, clock = time.process_time(), time.perf_counter()
    try:
        data, stages = render(request)
    except Exception as error:  # noqa: BLE001 - a peer's failure is a result, whatever it is
        return {"error": f"{type(error).__name__}: {error}"}
    ms = (time.perf_counter() - clock) * 1000
    cpu_ms = (time.process_time() - cpu) * 1000
    if request.get("out"):
        Path(request["out"]).write_bytes(data)
    return {"ms": ms, "cpu_ms": cpu_ms, "bytes": len(data), **stages}
