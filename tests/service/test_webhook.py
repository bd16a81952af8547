"""The webhook is told of each upload: when, how often, and what becomes of failures."""

import asyncio
import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog
from storage.memory_index import MemoryIndex
from storage.worlds import original

from liveresize import __version__, errors
from liveresize.core.events import Kind
from liveresize.core.names import ImageId
from liveresize.core.ports import Delivery
from liveresize.notifications import messages
from liveresize.notifications.dispatcher import Dispatcher

from .doubles import Clock, away, picture, run, turns
from .house import CAT, House, telling

SECRETS = ("the new one, of many bytes", "the old one, of many bytes")
READER = "webhook:"
GRACE = 60.0
"""More seconds than any lease lasts."""


class FakeCourier:
    """ports.WebhookClient that keeps what it is given.

    `failures` are raised, one each; nothing is delivered before `gate` opens. `most` is how
    many messages were on their way at once.
    """

    def __init__(self) -> None:
        self.delivered: list[tuple[bytes, Mapping[str, str]]] = []
        self.failures: list[Exception] = []
        self.down = False
        self.attempts = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.closed = False
        self.under_way = self.most = 0

    async def deliver(self, body: bytes, headers: Mapping[str, str]) -> None:
        self.attempts += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.gate.wait()
        finally:
            self.under_way -= 1
        if self.failures:
            raise self.failures.pop(0)
        if self.down:
            raise errors.WebhookUnavailable("", "down")
        self.delivered.append((body, headers))

    async def close(self) -> None:
        self.closed = True

    @property
    def names(self) -> list[str]:
        """What was told of, in order."""
        return [json.loads(body)["id"] for body, _ in self.delivered]


class Scene:
    """An announcer on an index of its own."""

    def __init__(self, **settings: Any) -> None:
        self.clock = Clock()
        self.index = MemoryIndex(self.clock.time)
        self.sender = FakeCourier()
        self.settings = settings
        self.dispatcher = self.another()

    def another(self) -> Dispatcher:
        """Another instance that tells the same receiver of the same uploads."""
        return telling(self.index, self.sender, self.clock, secrets=SECRETS, **self.settings)

    async def waiting(self) -> int:
        """How many events wait."""
        return await self.index.deliveries.count(READER, frozenset(Kind))

    async def upload(self, *names: str) -> None:
        """Commit uploads, as `staged` does."""
        for name in names:
            await self.index.rows.adopt(original(ImageId(name)), uploaded=True)
            self.dispatcher.kick()

    async def catch_up(self, after: float = 0.0) -> None:
        """Let so many seconds pass, and the house be kept."""
        self.clock.now += after
        await self.dispatcher.catch_up()
        await turns()


def test_an_upload_with_a_token_is_told_at_once(tmp_path: Path) -> None:
    """With what is stored of it, and no more than once."""

    async def main() -> None:
        sender = FakeCourier()
        house = House(tmp_path, sender=sender)
        stored = await house.upload()
        await turns()
        ((body, _),) = sender.delivered
        (event,) = await house.index.events.since(0, 9)
        assert body == messages.body(event, messages.UPLOAD)
        assert json.loads(body)["sha256"] == stored.sha256
        await house.dispatcher.catch_up()
        await turns()
        assert len(sender.delivered) == 1
        assert house.dispatcher.backlog == 0

    run(main)


def test_a_deposit_is_told_with_its_bucket(tmp_path: Path) -> None:
    """As vip's uploads have no id before they are there, this is how one hears of it."""

    async def main() -> None:
        sender = FakeCourier()
        house = House(tmp_path, sender=sender)
        deposit = house.vip_uploads.begin("pics")
        await deposit.write(picture(64, 48))
        stored = await deposit.finish()
        await turns()
        ((body, _),) = sender.delivered
        said = json.loads(body)
        assert (said["bucket"], said["id"]) == ("pics", stored.image.name)
        assert (said["width"], said["height"]) == (64, 48)

    run(main)


def test_an_upload_that_is_repeated_is_told_once(tmp_path: Path) -> None:
    """The second 200 is for an answer that was lost, not for another picture."""

    async def main() -> None:
        sender = FakeCourier()
        house = House(tmp_path, sender=sender)
        token = await house.token()
        await house.send(token, picture())
        assert await house.repeats(token, picture())
        await turns()
        assert sender.names == ["cat"]

    run(main)


def test_an_overwritten_picture_is_told_anew(tmp_path: Path) -> None:
    """Under another delivery: its bytes are others."""

    async def main() -> None:
        sender = FakeCourier()
        house = House(tmp_path, sender=sender)
        for soul in ("old", "new"):
            await house.upload(data=picture(soul=soul))
            await turns()
        old, new = (json.loads(body) for body, _ in sender.delivered)
        assert (old["id"], new["id"]) == ("cat", "cat")
        assert old["delivery"] != new["delivery"]
        assert old["sha256"] != new["sha256"]

    run(main)


def test_a_failed_upload_is_not_told(tmp_path: Path) -> None:
    """Nothing is there."""

    async def main() -> None:
        sender = FakeCourier()
        house = House(tmp_path, sender=sender)
        house.index.before["tokens.complete"] = away()
        with pytest.raises(errors.IndexUnavailable):
            await house.send(await house.token(), picture())
        with pytest.raises(errors.UnsupportedImage):
            await house.send(await house.token(), b"no picture")
        await house.dispatcher.catch_up()
        await turns()
        assert sender.attempts == 0

    run(main)


def test_a_commit_whose_answer_was_lost_is_told(tmp_path: Path) -> None:
    """It is found in the row, by the same look that makes it a success."""

    async def main() -> None:
        sender = FakeCourier()
        house = House(tmp_path, sender=sender)
        house.index.after["tokens.complete"] = away()
        await house.send(await house.token(), picture())
        await turns()
        assert sender.names == ["cat"]

    run(main)


def test_without_a_webhook_nothing_is_queued(tmp_path: Path) -> None:
    """Nor is there anything to do for whoever keeps the house, or closes it."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        assert house.index.tables.queued == {}
        house.index.available = False
        house.dispatcher.kick()
        await house.dispatcher.catch_up()
        await house.dispatcher.close(10.0)
        assert not house.dispatcher.on

    run(main)


def test_a_message_says_what_it_is_and_who_sent_it() -> None:
    """Signed with every secret, at the time of the attempt."""

    async def main() -> None:
        scene = Scene()
        await scene.upload("cat")
        await turns()
        ((body, headers),) = scene.sender.delivered
        said = json.loads(body)
        assert headers == {
            "Content-Type": "application/json",
            "User-Agent": f"liveresize/{__version__}",
            "X-Liveresize-Event": said["event"],
            "X-Liveresize-Delivery": said["delivery"],
            "X-Liveresize-Signature": messages.signature(SECRETS, int(scene.clock.now), body),
        }

    run(main)


def test_what_failed_is_tried_again_after_longer_and_longer_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A second, two, four and so on to an hour; the same delivery with a fresh signature."""
    monkeypatch.setattr(random, "uniform", lambda low, high: high)

    async def main() -> None:
        scene = Scene()
        scene.sender.down = True
        await scene.upload("cat")
        await turns()
        for tries in range(1, 16):
            assert scene.sender.attempts == tries
            pause = min(2.0 ** (tries - 1), 3600.0)
            await scene.catch_up(after=pause - 0.5)
            assert scene.sender.attempts == tries
            await scene.catch_up(after=0.5)
        scene.sender.down = False
        await scene.catch_up(after=3600.0)
        assert scene.sender.names == ["cat"]
        assert await scene.waiting() == 0

    run(main)


def test_pauses_are_shortened_at_random() -> None:
    """By a half at most: what failed together is not tried together."""

    async def main() -> None:
        scene = Scene()
        scene.sender.down = True
        names = [f"cat {number}" for number in range(40)]
        await scene.upload(*names)
        await turns(400)
        assert scene.sender.attempts == 40
        due = sorted(queued.next_at - scene.clock.now for queued in waiting(scene))
        assert 0.5 <= due[0] < due[-1] <= 1.0
        assert len(set(due)) > 1

    run(main)


def waiting(scene: Scene) -> list[Any]:
    """The queue, with the time of each."""
    return list(scene.index.tables.queued.values())


def test_a_few_are_under_way_at_once() -> None:
    """Four, whose places are taken by the next ones without waiting for the housekeeping."""

    async def main() -> None:
        scene = Scene()
        scene.sender.gate.clear()
        names = [f"cat {number}" for number in range(23)]
        await scene.upload(*names)
        await turns()
        await scene.catch_up()
        assert (scene.sender.under_way, scene.dispatcher.backlog) == (4, 23)
        scene.sender.gate.set()
        await turns(400)
        assert sorted(scene.sender.names) == sorted(names)
        assert scene.sender.most == 4
        await scene.catch_up()
        assert scene.dispatcher.backlog == 0

    run(main)


def test_two_instances_tell_each_upload_once() -> None:
    """However often both of them look while one is at it."""

    async def main() -> None:
        scene = Scene()
        other = scene.another()
        scene.sender.gate.clear()
        await scene.upload("cat", "dog", "cow")
        await turns()
        for _ in range(3):
            await other.catch_up()
            await scene.catch_up()
        scene.sender.gate.set()
        await turns()
        assert sorted(scene.sender.names) == ["cat", "cow", "dog"]
        await other.close(1.0)

    run(main)


def test_a_receiver_that_is_away_is_said_once() -> None:
    """And once that it is back; never the message, nor what signs it."""

    async def main() -> None:
        scene = Scene()
        scene.sender.down = True
        with structlog.testing.capture_logs() as logged:
            await scene.upload("cat", "dog")
            await turns()
            assert scene.dispatcher.failing
            for _ in range(5):
                await scene.catch_up(after=GRACE)
            scene.sender.down = False
            await scene.catch_up(after=GRACE)
            assert not scene.dispatcher.failing
        failing, recovered = logged
        assert (failing["event"], failing["log_level"]) == ("webhook_failing", "warning")
        assert (failing["error"], failing["image_id"]) == ("down", "cat")
        assert (recovered["event"], recovered["log_level"]) == ("webhook_recovered", "info")
        assert recovered["failures"] == 12
        assert not any(secret in str(logged) for secret in SECRETS)

    run(main)


def test_an_upload_is_given_up_in_the_end() -> None:
    """With an error that names it, after `give_up` seconds, and not one attempt before."""

    async def main() -> None:
        scene = Scene(give_up=1000.0)
        scene.sender.down = True
        with structlog.testing.capture_logs() as logged:
            await scene.upload("cat")
            await turns()
            await scene.catch_up(after=999.0)
            assert await scene.waiting() == 1
            await scene.catch_up(after=1000.0)
        assert await scene.waiting() == 0
        given_up = logged[-1]
        assert (given_up["event"], given_up["log_level"]) == ("webhook_given_up", "error")
        assert (given_up["image_id"], given_up["tries"], given_up["error"]) == ("cat", 3, "down")
        scene.sender.down = False
        await scene.catch_up(after=1e6)
        assert scene.sender.attempts == 3

    run(main)


def test_after_a_long_rest_there_is_one_attempt() -> None:
    """What waited while everything was off is told, however old it is."""

    async def main() -> None:
        scene = Scene(give_up=1000.0)
        await scene.catch_up()
        await scene.index.rows.adopt(original(), uploaded=True)
        await scene.catch_up(after=1e6)
        assert scene.sender.names == ["cat"]

    run(main)


@pytest.mark.parametrize("good", [True, False], ids=["told", "given up"])
def test_what_is_done_with_is_not_done_again_when_the_index_goes_away(good: bool) -> None:
    """It is noted as soon as the index is back, whatever its lease says by then."""

    async def main() -> None:
        scene = Scene(give_up=1.0)
        scene.sender.down = not good
        await scene.index.rows.adopt(original(), uploaded=True)
        scene.clock.now += 2.0
        scene.sender.gate.clear()
        with structlog.testing.capture_logs():
            scene.dispatcher.kick()
            await turns()
            scene.index.available = False
            scene.sender.gate.set()
            await turns()
        with pytest.raises(errors.IndexUnavailable):
            await scene.dispatcher.catch_up()
        scene.index.available = True
        await scene.catch_up(after=GRACE)
        assert scene.sender.attempts == 1
        assert scene.dispatcher.backlog == 0

    run(main)


def test_an_index_that_is_away_stops_nothing_for_good() -> None:
    """A kick in vain is made good by the housekeeping, a failure in vain by the lease."""

    async def main() -> None:
        scene = Scene()
        await scene.index.rows.adopt(original(), uploaded=True)
        scene.index.available = False
        scene.dispatcher.kick()
        await turns()
        scene.index.available = True
        scene.sender.gate.clear()
        scene.sender.down = True
        with structlog.testing.capture_logs():
            await scene.catch_up()
            scene.index.available = False
            scene.sender.gate.set()
            await turns()
        scene.index.available = True
        scene.sender.down = False
        await scene.catch_up(after=GRACE)
        assert (scene.sender.attempts, scene.sender.names) == (2, ["cat"])

    run(main)


def test_what_has_ended_is_told_of_no_more() -> None:
    """Deleted while it waited for its next attempt, or while one was under way."""

    async def main() -> None:
        scene = Scene()
        scene.sender.down = True
        with structlog.testing.capture_logs():
            await scene.upload("cat")
            await turns()
            await scene.index.rows.delete(CAT)
            await scene.catch_up(after=GRACE)
            assert scene.sender.attempts == 1
            scene.sender.gate.clear()
            await scene.upload("dog")
            await turns()
            await scene.index.rows.delete(ImageId("dog"))
            scene.sender.gate.set()
            await turns()
            for _ in range(2):
                await scene.catch_up(after=GRACE)
        assert scene.sender.attempts == 2
        assert scene.dispatcher.backlog == 0

    run(main)


def test_closing_waits_for_what_is_under_way() -> None:
    """And begins nothing more, kicked or not."""

    async def main() -> None:
        scene = Scene()
        scene.sender.gate.clear()
        await scene.upload("cat")
        await turns()
        closing = asyncio.create_task(scene.dispatcher.close(30.0))
        await turns()
        await scene.upload("dog")
        await scene.catch_up()
        assert not closing.done()
        scene.sender.gate.set()
        await closing
        assert scene.sender.names == ["cat"]
        assert scene.sender.closed
        assert await scene.waiting() == 1

    run(main)


def test_closing_waits_for_what_was_just_being_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that is leased already is told of, rather than left to its lease."""

    async def main() -> None:
        scene = Scene()
        answered, take = asyncio.Event(), scene.index.deliveries.take

        async def slow(*given: Any, **more: Any) -> list[Delivery]:
            await answered.wait()
            return await take(*given, **more)

        monkeypatch.setattr(scene.index.deliveries, "take", slow)
        await scene.upload("cat")
        await turns()
        closing = asyncio.create_task(scene.dispatcher.close(30.0))
        await turns()
        answered.set()
        await closing
        assert scene.sender.names == ["cat"]

    run(main)


def test_closing_does_not_wait_for_ever_and_loses_nothing() -> None:
    """What hung is told by the next instance, once the lease has run out."""

    async def main() -> None:
        scene = Scene()
        scene.sender.gate.clear()
        await scene.upload("cat")
        await turns()
        await scene.dispatcher.close(0.01)
        assert scene.sender.under_way == 0
        scene.sender.gate.set()
        scene.dispatcher = scene.another()
        await scene.catch_up()
        assert scene.sender.names == []
        await scene.catch_up(after=GRACE)
        assert scene.sender.names == ["cat"]

    run(main)
