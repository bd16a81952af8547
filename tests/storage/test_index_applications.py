"""What applications take is counted with every change, on both databases."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager

import pytest

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.originals import Original
from liveresize.core.ports import Counted, Use
from liveresize.core.records import Given
from liveresize.core.tokens import Grant
from liveresize.settings.applications import Application, Applications
from liveresize.storage.index import events
from liveresize.storage.index.sql_index import DatabaseIndex

from .worlds import Bench, databases, original, pass_time, patient_database, raw

Database = Callable[[], AbstractContextManager[str]]

SHOP = Application(
    name="shop", prefix="shop-", secret="s" * 16, max_pictures=3, max_bytes_total=1000
)
NEWS = Application(name="news", prefix="news-", secret="n" * 16)
BOTH = Applications([SHOP, NEWS])
ONE, TWO, THREE, FOUR = (ImageId(f"shop-{number}") for number in (1, 2, 3, 4))


class Counting(Bench):
    """An index that counts for two applications."""

    index: DatabaseIndex

    async def store(self, image: ImageId, size: int, *, overwrite: bool = False) -> Original:
        """Upload an original of `size` bytes. Raises QuotaFull."""
        claim = await self.claim(image, overwrite=overwrite)
        new = original(image, bytes=size)
        try:
            await self.index.tokens.complete(claim, new, "0" * 64, "{}")
        except errors.QuotaFull:
            await self.index.tokens.release(claim)
            raise
        return new

    async def use(self) -> Use:
        """What the shop takes."""
        return (await self.index.application_use.totals())["shop-"]

    async def recount(self, slice_: int = 2, *, repair: bool = True) -> Counted:
        """Count the shop anew."""
        use = self.index.application_use
        await use.restart("shop-")
        while (counted := await use.count("shop-", slice_, repair=repair)) is None:
            pass
        return counted


@contextlib.asynccontextmanager
async def opened(url: str, applications: Applications = BOTH) -> AsyncIterator[Counting]:
    """An index that has counted what there is."""
    index = await DatabaseIndex.open(patient_database(url, applications=applications))
    try:
        async with raw(url) as engine:
            bench = Counting(index, functools.partial(pass_time, engine))
            prefixes = [each.prefix for each in applications]
            await index.application_use.keep(prefixes)
            for prefix in prefixes:
                while await index.application_use.count(prefix, 100) is None:
                    pass
            yield bench
    finally:
        await index.close()


def run(database: Database, scenario: Callable[[Counting], Awaitable[None]]) -> None:
    """Run the scenario in a database of its own."""

    async def whole(url: str) -> None:
        async with opened(url) as bench:
            await scenario(bench)

    with database() as url:
        asyncio.run(whole(url))


@databases
def test_every_change_is_counted_with_it(database: Database) -> None:
    """Uploads, overwrites, deletions, expiry and adoption; of other pictures nothing is counted."""

    async def scenario(bench: Counting) -> None:
        rows = bench.index.rows
        await bench.store(ONE, 100)
        await bench.store(ImageId("shop"), 5)
        await bench.store(ImageId("shop-1", "bucket"), 5)
        await bench.store(ImageId("other"), 5)
        assert await bench.use() == Use(1, 100)
        await bench.store(ONE, 400, overwrite=True)
        await bench.store(ONE, 30, overwrite=True)
        assert await bench.use() == Use(1, 30)
        claim = await bench.claim(TWO, given=Given(held=True, claim_within=60.0))
        await bench.index.tokens.complete(claim, original(TWO, bytes=7), "0" * 64, "{}")
        assert await bench.use() == Use(2, 37)  # those that are hidden take room as well
        await bench.later(60)
        (due,) = await rows.due(9)
        assert await rows.expire(due)
        assert await bench.use() == Use(2, 37)
        await bench.later(30 * 86_400)
        assert await rows.end_expired(due)
        assert not await rows.end_expired(due)
        assert await bench.use() == Use(1, 30)
        await rows.delete(ONE)
        await rows.delete(ONE)
        assert await bench.use() == Use(0, 0)
        adopted = await rows.adopt(original(ONE, bytes=9), uploaded=True)
        await rows.adopt(original(ONE, bytes=99))
        newer = await rows.supersede(original(ONE, bytes=11), adopted.generation)
        assert await bench.use() == Use(1, 11)
        assert await rows.end(newer)
        assert await bench.use() == Use(0, 0)
        assert (await bench.index.application_use.totals())["news-"] == Use(0, 0)

    run(database, scenario)


@databases
def test_a_full_quota_refuses_the_commit_and_the_token(database: Database) -> None:
    """Nothing of a refused upload is left, and what shrinks is taken even then."""

    async def scenario(bench: Counting) -> None:
        for image in (ONE, TWO):
            await bench.store(image, 400)
        claim = await bench.claim(FOUR)  # issued while there was room
        with pytest.raises(errors.QuotaFull) as refused:
            await bench.store(THREE, 201)
        assert refused.value.fields == {
            "application": "shop",
            "quota": "max_bytes_total",
            "limit": 1000,
            "used": 800,
        }
        assert await bench.use() == Use(2, 800)
        assert await bench.index.rows.find(THREE) is None
        await bench.store(THREE, 200)  # the last byte
        with pytest.raises(errors.QuotaFull, match="has 3 of 3 pictures"):
            await bench.index.tokens.complete(claim, original(FOUR, bytes=0), "0" * 64, "{}")
        with pytest.raises(errors.QuotaFull):
            await bench.index.tokens.issue(Grant(image=ImageId("shop-5"), lifetime=60.0))
        await bench.index.tokens.issue(Grant(image=ImageId("news-5"), lifetime=60.0))
        with pytest.raises(errors.QuotaFull):
            await bench.store(ONE, 401, overwrite=True)
        await bench.store(ONE, 400, overwrite=True)
        await bench.store(ONE, 1, overwrite=True)
        await bench.index.rows.delete(TWO)
        assert await bench.use() == Use(2, 201)
        grants = [Grant(image=ImageId(f"shop-{number}"), lifetime=60.0) for number in (6, 7)]
        with pytest.raises(errors.QuotaFull):  # there is room for one of them
            await bench.index.tokens.issue_all(grants)
        await bench.store(TWO, 799)  # deleted, and uploaded again

    run(database, scenario)


@databases
def test_a_change_that_does_not_come_to_its_end_counts_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the process had died before the commit, after the last statement."""

    def die(*given: object) -> None:
        raise LookupError("died")

    async def scenario(bench: Counting) -> None:
        await bench.store(ONE, 100)
        claim = await bench.claim(TWO)
        with monkeypatch.context() as patched:
            patched.setattr(events, "write", die)
            with pytest.raises(LookupError):
                await bench.index.tokens.complete(claim, original(TWO, bytes=5), "", "{}")
            with pytest.raises(LookupError):
                await bench.index.rows.delete(ONE)
        assert await bench.use() == Use(1, 100)
        await bench.index.tokens.complete(claim, original(TWO, bytes=5), "", "{}")
        assert await bench.use() == Use(2, 105)

    run(database, scenario)


@databases
def test_commits_at_the_same_time_share_the_last_byte(database: Database) -> None:
    """Of many that end at once, as many are stored as there is room for."""

    async def scenario(bench: Counting) -> None:
        await bench.store(ONE, 100)
        claims = [await bench.claim(ImageId(f"shop-{number}")) for number in range(10, 16)]
        endings = [
            bench.index.tokens.complete(claim, original(claim.grant.image, bytes=450), "", "{}")
            for claim in claims
        ]
        outcomes = await asyncio.gather(*endings, return_exceptions=True)
        assert sum(outcome is None for outcome in outcomes) == 2
        assert sum(isinstance(outcome, errors.QuotaFull) for outcome in outcomes) == 4
        assert await bench.use() == Use(3, 1000)

    run(database, scenario)


@databases
def test_a_count_in_slices_stays_right_while_pictures_change(database: Database) -> None:
    """What is behind the count changes it, what is before it will be counted."""

    async def scenario(bench: Counting) -> None:
        for number in range(1, 8):
            await bench.store(ImageId(f"news-{number}"), 10)
        use = bench.index.application_use
        await use.keep(["shop-"])
        await use.keep(["shop-", "news-"])  # it is not known any more
        assert (await use.totals())["news-"] == Use(None, None)
        assert await use.count("news-", 3) is None
        await bench.index.rows.delete(ImageId("news-2"))
        await bench.index.rows.delete(ImageId("news-6"))
        await bench.store(ImageId("news-0"), 1)
        await bench.store(ImageId("news-9"), 1)
        assert await use.count("news-", 3) is None
        counted = await use.count("news-", 3)
        assert counted == Counted(Use(None, None), Use(7, 52))
        assert (await use.totals())["news-"] == Use(7, 52)

    run(database, scenario)


@databases
def test_what_an_older_instance_did_is_mended_by_a_count(database: Database) -> None:
    """It changes rows without the counts; a count says by how much, and corrects it if asked."""

    async def scenario(url: str) -> None:
        async with opened(url) as bench, opened(url, Applications()) as older:
            await bench.index.application_use.keep(["shop-", "news-"])
            await bench.recount()
            await bench.store(ONE, 100)
            await older.store(TWO, 50)
            await older.index.rows.delete(ONE)
            assert await bench.use() == Use(1, 100)
            wrong = Counted(Use(1, 100), Use(1, 50))
            assert await bench.recount(repair=False) == wrong
            assert await bench.recount() == wrong
            assert await bench.use() == Use(1, 50)
            assert await bench.recount() == Counted(Use(1, 50), Use(1, 50))

    with database() as url:
        asyncio.run(scenario(url))
