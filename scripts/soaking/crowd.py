"""Clients that upload, look at and delete pictures for as long as there is a server."""

import contextlib
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator

import httpx
from web import pictures, servers

_LARGE = [pictures.noise(900 + 20 * number, 700) for number in range(6)]
"""JPEGs of several hundred KB, which arrive and are stored in more than one piece."""

_REMEMBERED = 5
"""Pictures that are looked at: those uploaded last."""


class Crowd:
    """Four clients at a time, and everything that they were told.

    `acknowledged` are the pictures whose upload was answered 200, `deleting` those that a
    DELETE was sent for and `deleted` those of them that it was answered for, `asked` every
    id that a token was asked for, `redirects` where a path led to; `statuses` counts the
    answers. Clients that are `insistent` come back after a broken connection, and `broken`
    tells what broke it.
    """

    def __init__(self, *, secret: str = "", admin: str = "", insistent: bool = False) -> None:
        self._secret = secret
        self._insistent = insistent
        self.broken: Counter[str] = Counter()
        self._admin = {"Authorization": f"Bearer {admin}"} if admin else {}
        self.acknowledged: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.deleting: set[str] = set()
        self.deleted: set[str] = set()
        self.redirects: dict[str, str] = {}
        self.statuses: Counter[int] = Counter()
        self.sent = 0

    @contextlib.contextmanager
    def at(self, url: str, turn: int) -> Iterator[None]:
        """They are at it inside, and leave when the server has gone or the block ends."""
        over = threading.Event()
        doing: list[Callable[[], None]] = [
            lambda: self._come(url, over, self._upload, f"{turn}-a"),
            lambda: self._come(url, over, self._upload, f"{turn}-b"),
            lambda: self._come(url, over, self._look, f"{turn}-c"),
            lambda: self._come(url, over, self._look, f"{turn}-d"),
        ]
        threads = [threading.Thread(target=each) for each in doing]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def _come(
        self,
        url: str,
        over: threading.Event,
        turn: Callable[[servers.Client, str, int], None],
        name: str,
    ) -> None:
        """Take one turn after the other until the server is gone."""
        with servers.Client(url, self._secret) as client:
            for number in itertools.count():
                if over.is_set():
                    return
                try:
                    turn(client, name, number)
                except httpx.TransportError as error:
                    if not self._insistent:
                        return
                    self.broken[type(error).__name__] += 1

    def _upload(self, client: servers.Client, prefix: str, number: int) -> None:
        name, data = f"{prefix}-{number}", _picture(number)
        self.asked.append(name)
        wanted = {"id": name} | ({"secret": self._secret} if self._secret else {})
        token = client.post("/token", json=wanted)
        self.statuses[token.status_code] += 1
        if token.status_code != 200:
            return
        self.sent += 1
        answer = client.upload(name, data, token.json()["token"], "image/jpeg")
        self.statuses[answer.status_code] += 1
        if answer.status_code != 200:
            return
        self.acknowledged[name] = data
        if self._admin and number % 6 == 5:
            self._delete(client, f"{prefix}-{number - 4}")

    def _delete(self, client: servers.Client, name: str) -> None:
        if name not in self.acknowledged:
            return
        self.deleting.add(name)
        answer = client.delete(f"/{name}", headers=self._admin)
        self.statuses[answer.status_code] += 1
        if answer.status_code == 204:
            self.deleted.add(name)

    def _look(self, client: servers.Client, prefix: str, number: int) -> None:
        """Ask for a rendition of a recent picture, a few sizes of each."""
        names = list(self.acknowledged)[-_REMEMBERED:]
        name = names[number * 7 % len(names)] if names else "none-yet"
        path = f"/{name}_{40 + number % 9 * 10}_0.{'jpg' if number % 2 else 'webp'}"
        answer = client.get(path)
        if name == "none-yet" or name in self.deleting:
            return
        self.statuses[answer.status_code] += 1
        if answer.status_code == 303:
            self.redirects[path] = answer.headers["Location"]

    @property
    def standing(self) -> dict[str, bytes]:
        """What must be there: acknowledged, and never asked to be deleted."""
        known = dict(self.acknowledged)  # others add to it meanwhile
        return {name: data for name, data in known.items() if name not in self.deleting}


def _picture(number: int) -> bytes:
    if number % 4 == 1:
        return _LARGE[number // 4 % len(_LARGE)]
    return pictures.jpeg(200 + number % 5, 150, number)
