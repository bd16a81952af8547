"""The base of repositories, and decorators that run their methods.

A method is a function of a connection, for one transaction; the decorator determines how it is
run. Callers await it, and pass all arguments except the connection.
"""

import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import sqlalchemy as sa

from liveresize.storage.index.database import Database

R = TypeVar("R", bound="Repository")
T = TypeVar("T")
P = ParamSpec("P")


class Repository:
    """One table of the index, or a part of one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._applications = database.applications


class _Decorator(Protocol):
    def __call__(
        self, method: Callable[Concatenate[R, sa.Connection, P], T], /
    ) -> Callable[Concatenate[R, P], Coroutine[Any, Any, T]]: ...


def _run_by(run: Callable[..., Coroutine[Any, Any, Any]]) -> _Decorator:
    def decorate(
        method: Callable[Concatenate[R, sa.Connection, P], T],
    ) -> Callable[Concatenate[R, P], Coroutine[Any, Any, T]]:
        @functools.wraps(method)
        async def awaited(self: R, /, *args: P.args, **kwargs: P.kwargs) -> T:
            bound = functools.partial(method, self)
            result: T = await run(self._database, bound, *args, **kwargs)
            return result

        return awaited

    return decorate


lookup = _run_by(Database.lookup)
read = _run_by(Database.read)
watched = _run_by(Database.watched)
write = _run_by(Database.write)
free = _run_by(Database.free)
