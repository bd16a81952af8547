"""The contract of the index for tokens: one attempt, one id."""

import asyncio
import dataclasses
import time

import pytest

from liveresize import errors
from liveresize.core.names import ImageId
from liveresize.core.tokens import TIMES_GIVEN_BACK, Claim, Grant, Spent, Token

from . import worlds
from .worlds import CAT, Bench, World, everywhere

GRANT = Grant(image=CAT, lifetime=900.0)


@everywhere
def test_a_token_lives_as_long_as_it_was_granted(world: World) -> None:
    """Its end is the index's clock plus the lifetime."""

    async def scenario(bench: Bench) -> None:
        token = await bench.index.tokens.issue(GRANT)
        assert token.image == CAT
        assert token.expires_at == pytest.approx(time.time() + 900, abs=60)

    world.run(scenario)


@everywhere
def test_a_live_token_blocks_its_id_alone(world: World) -> None:
    """Other names, other cases and other buckets stay free; overwriting is no excuse."""

    async def scenario(bench: Bench) -> None:
        await bench.index.tokens.issue(GRANT)
        with pytest.raises(errors.IdTaken):
            await bench.index.tokens.issue(GRANT)
        with pytest.raises(errors.IdTaken):
            await bench.index.tokens.issue(Grant(image=CAT, lifetime=9.0, overwrite=True))
        for other in (ImageId("Cat"), ImageId("cat", "b"), ImageId("c%"), ImageId("cät\U0001f408")):
            await bench.index.tokens.issue(Grant(image=other, lifetime=9.0))

    world.run(scenario)


@everywhere
def test_an_expired_token_gives_way(world: World) -> None:
    """The next one works, and the old one is refused, before and after."""

    async def scenario(bench: Bench) -> None:
        old = await bench.index.tokens.issue(GRANT)
        await bench.later(901)
        with pytest.raises(errors.TokenRefused):
            await bench.index.tokens.claim(old.token, [CAT], 60)
        new = await bench.index.tokens.issue(GRANT)
        with pytest.raises(errors.TokenRefused):
            await bench.index.tokens.claim(old.token, [CAT], 60)
        assert isinstance(await bench.index.tokens.claim(new.token, [CAT], 60), Claim)

    world.run(scenario)


@everywhere
def test_simultaneous_requests_get_one_token(world: World) -> None:
    """Of twenty that ask at once, nineteen hear that the id is taken."""

    async def scenario(bench: Bench) -> None:
        answers = await asyncio.gather(
            *(bench.index.tokens.issue(GRANT) for _ in range(20)), return_exceptions=True
        )
        refused = [answer for answer in answers if isinstance(answer, errors.IdTaken)]
        assert len(refused) == 19

    world.run(scenario)


@everywhere
def test_simultaneous_claims_have_one_winner(world: World) -> None:
    """Of fifty uploads with one token, forty-nine are refused."""

    async def scenario(bench: Bench) -> None:
        token = await bench.index.tokens.issue(GRANT)
        answers = await asyncio.gather(
            *(bench.index.tokens.claim(token.token, [CAT], 60) for _ in range(50)),
            return_exceptions=True,
        )
        refused = [answer for answer in answers if isinstance(answer, errors.TokenRefused)]
        won = [answer for answer in answers if isinstance(answer, Claim)]
        assert (len(won), len(refused)) == (1, 49)

    world.run(scenario)


@everywhere
def test_a_claim_carries_what_was_granted(world: World) -> None:
    """Limits, formats and the right to overwrite come back as they were given."""

    async def scenario(bench: Bench) -> None:
        grant = Grant(
            image=CAT, lifetime=12.5, max_bytes=1 << 40, formats=("png", "jpeg"), overwrite=True
        )
        token = await bench.index.tokens.issue(grant)
        claim = await bench.index.tokens.claim(token.token, [ImageId("cat.jpg"), CAT], 60)
        assert isinstance(claim, Claim)
        assert claim.grant == grant

    world.run(scenario)


@everywhere
def test_a_token_is_refused_for_other_ids(world: World) -> None:
    """A wrong guess does not spend it; an unknown token is refused alike."""

    async def scenario(bench: Bench) -> None:
        token = await bench.index.tokens.issue(GRANT)
        for candidates in ([ImageId("dog")], [ImageId("cat", "b")], [ImageId("CAT")], []):
            with pytest.raises(errors.TokenRefused):
                await bench.index.tokens.claim(token.token, candidates, 60)
        with pytest.raises(errors.TokenRefused):
            await bench.index.tokens.claim("unknown", [CAT], 60)
        assert isinstance(await bench.index.tokens.claim(token.token, [CAT], 60), Claim)

    world.run(scenario)


@everywhere
def test_an_upload_holds_its_id_while_its_lease_is_renewed(world: World) -> None:
    """The id stays taken past the first lease, and past the token's own life."""

    async def scenario(bench: Bench) -> None:
        claim = await bench.claim()
        for _ in range(20):
            await bench.later(59)
            await bench.index.tokens.renew(claim, 60)
        with pytest.raises(errors.IdTaken):
            await bench.index.tokens.issue(GRANT)
        await bench.index.tokens.complete(claim, worlds.original(), "0" * 64, "{}")

    world.run(scenario)


@everywhere
def test_a_lease_that_ran_out_is_lost_once_the_id_is_taken(world: World) -> None:
    """The dead server's upload can neither go on nor be stored, nor disturb the new one."""

    async def scenario(bench: Bench) -> None:
        lost = await bench.claim()
        await bench.later(61)
        new = await bench.claim()
        with pytest.raises(errors.TokenRefused):
            await bench.index.tokens.renew(lost, 60)
        with pytest.raises(errors.TokenRefused):
            await bench.index.tokens.complete(lost, worlds.original(), "0" * 64, "{}")
        await bench.index.tokens.release(lost)
        assert await bench.index.rows.find(CAT) is None
        await bench.index.tokens.renew(new, 60)

    world.run(scenario)


@everywhere
def test_a_lease_that_ran_out_is_good_until_the_id_is_taken(world: World) -> None:
    """A server that was merely slow still stores what it received."""

    async def scenario(bench: Bench) -> None:
        claim = await bench.claim()
        await bench.later(61)
        assert await bench.index.tokens.complete(claim, worlds.original(), "0" * 64, "{}") is None
        assert await bench.index.rows.find(CAT) is not None

    world.run(scenario)


@everywhere
def test_a_released_claim_frees_its_id_and_spends_its_token(world: World) -> None:
    """The next attempt needs another token, and gets one at once."""

    async def scenario(bench: Bench) -> None:
        token = await bench.index.tokens.issue(GRANT)
        claim = await bench.index.tokens.claim(token.token, [CAT], 60)
        assert isinstance(claim, Claim)
        await bench.index.tokens.release(claim)
        await bench.index.tokens.release(claim)
        with pytest.raises(errors.TokenRefused):
            await bench.index.tokens.claim(token.token, [CAT], 60)
        with pytest.raises(errors.TokenRefused):
            await bench.index.tokens.renew(claim, 60)
        await bench.index.tokens.issue(GRANT)

    world.run(scenario)


@everywhere
def test_a_token_that_did_its_work_says_so_within_its_life(world: World) -> None:
    """A repeated upload learns what came of the first, for its own id and in time."""

    async def scenario(bench: Bench) -> None:
        token = await bench.index.tokens.issue(GRANT)
        claim = await bench.index.tokens.claim(token.token, [CAT], 60)
        assert isinstance(claim, Claim)
        await bench.index.tokens.complete(claim, worlds.original(), "a" * 64, '{"id": "cat"}')
        spent = await bench.index.tokens.claim(token.token, [CAT], 60)
        assert spent == Spent(image=CAT, received_sha256="a" * 64, receipt='{"id": "cat"}')
        with pytest.raises(errors.TokenRefused):
            await bench.index.tokens.claim(token.token, [ImageId("dog")], 60)
        await bench.later(901)
        with pytest.raises(errors.TokenRefused):
            await bench.index.tokens.claim(token.token, [CAT], 60)

    world.run(scenario)


@everywhere
def test_an_uploaded_id_is_taken_until_it_is_deleted(world: World) -> None:
    """Only a token that overwrites is issued meanwhile, and the old one is then gone."""

    async def scenario(bench: Bench) -> None:
        await bench.upload()
        with pytest.raises(errors.IdTaken):
            await bench.index.tokens.issue(GRANT)
        await bench.index.rows.delete(CAT)
        await bench.upload()
        await bench.later(5000)
        with pytest.raises(errors.IdTaken):
            await bench.index.tokens.issue(GRANT)
        await bench.index.tokens.issue(Grant(image=CAT, lifetime=900, overwrite=True))

    world.run(scenario)


@everywhere
def test_an_adopted_id_is_taken(world: World) -> None:
    """An original that never had a token counts as uploaded."""

    async def scenario(bench: Bench) -> None:
        await bench.index.rows.adopt(worlds.original())
        with pytest.raises(errors.IdTaken):
            await bench.index.tokens.issue(GRANT)

    world.run(scenario)


async def cause(bench: Bench, token: str, *candidates: ImageId) -> str:
    """Why a token is refused."""
    with pytest.raises(errors.TokenRefused) as refused:
        await bench.index.tokens.claim(token, candidates, 60)
    return refused.value.cause


@everywhere
def test_a_token_that_was_given_back_works_five_times_more(world: World) -> None:
    """Then it is used up, and its id is free all the while."""

    async def scenario(bench: Bench) -> None:
        token = await bench.index.tokens.issue(GRANT)
        for _ in range(1 + TIMES_GIVEN_BACK):
            claim = await bench.index.tokens.claim(token.token, [CAT], 60)
            assert isinstance(claim, Claim)
            assert claim.grant == GRANT
            assert await cause(bench, token.token, CAT) == "used"
            await bench.index.tokens.release(claim, give_back=True)
            await bench.index.tokens.release(claim)  # it is held no more
        assert await cause(bench, token.token, CAT) == "used"
        await bench.index.tokens.issue(GRANT)

    world.run(scenario)


@everywhere
def test_a_token_that_was_given_back_uploads(world: World) -> None:
    """It is spent then, like any other; a failure in between spends it as well."""

    async def scenario(bench: Bench) -> None:
        given_back = await given_back_token(bench)
        claim = await bench.index.tokens.claim(given_back.token, [CAT], 60)
        assert isinstance(claim, Claim)
        await bench.index.tokens.complete(claim, worlds.original(), "a" * 64, "{}")
        spent = await bench.index.tokens.claim(given_back.token, [CAT], 60)
        assert spent == Spent(image=CAT, received_sha256="a" * 64, receipt="{}")
        with pytest.raises(errors.IdTaken):
            await bench.index.tokens.issue(GRANT)
        await bench.index.rows.delete(CAT)
        failed = await given_back_token(bench)
        claim = await bench.index.tokens.claim(failed.token, [CAT], 60)
        assert isinstance(claim, Claim)
        await bench.index.tokens.release(claim)
        assert await cause(bench, failed.token, CAT) == "used"

    world.run(scenario)


@everywhere
def test_a_token_that_was_given_back_gives_way(world: World) -> None:
    """The next token for the id replaces it, and can be given back as often."""

    async def scenario(bench: Bench) -> None:
        old = await given_back_token(bench)
        new = await given_back_token(bench)
        assert await cause(bench, old.token, CAT) == "unknown"
        for _ in range(TIMES_GIVEN_BACK):
            claim = await bench.index.tokens.claim(new.token, [CAT], 60)
            assert isinstance(claim, Claim)
            with pytest.raises(errors.IdTaken):
                await bench.index.tokens.issue(GRANT)
            await bench.index.tokens.release(claim, give_back=True)
        assert await cause(bench, new.token, CAT) == "used"

    world.run(scenario)


@everywhere
def test_a_token_that_was_given_back_has_one_claim_at_a_time(world: World) -> None:
    """Of twenty uploads with it at once, nineteen are refused."""

    async def scenario(bench: Bench) -> None:
        token = await given_back_token(bench)
        answers = await asyncio.gather(
            *(bench.index.tokens.claim(token.token, [CAT], 60) for _ in range(20)),
            return_exceptions=True,
        )
        refused = [one.cause for one in answers if isinstance(one, errors.TokenRefused)]
        assert refused == ["used"] * 19
        assert sum(isinstance(one, Claim) for one in answers) == 1

    world.run(scenario)


@everywhere
def test_a_refusal_tells_its_cause(world: World) -> None:
    """Whoever does not know a token of ours learns nothing about ids."""

    async def scenario(bench: Bench) -> None:
        token = await bench.index.tokens.issue(GRANT)
        assert await cause(bench, "made-up", CAT) == "unknown"
        assert await cause(bench, "made-up", ImageId("dog")) == "unknown"
        assert await cause(bench, token.token, ImageId("dog")) == "other_id"
        other = await bench.index.tokens.issue(Grant(image=ImageId("dog"), lifetime=900.0))
        claim = await bench.index.tokens.claim(other.token, [ImageId("dog")], 60)
        assert isinstance(claim, Claim)
        await bench.index.tokens.release(claim, give_back=True)
        await bench.later(901)
        assert await cause(bench, token.token, CAT) == "expired"
        assert await cause(bench, other.token, ImageId("dog")) == "expired"

    world.run(scenario)


async def given_back_token(bench: Bench) -> Token:
    """A token for CAT that was claimed and given back once."""
    token = await bench.index.tokens.issue(GRANT)
    claim = await bench.index.tokens.claim(token.token, [CAT], 60)
    assert isinstance(claim, Claim)
    await bench.index.tokens.release(claim, give_back=True)
    return token


@everywhere
def test_a_resumable_claim_lasts_as_the_token_and_longer_while_it_is_extended(world: World) -> None:
    """To the end of the token; then by its lifetime each time, up to an age of the token."""

    async def scenario(bench: Bench) -> None:
        index = bench.index.tokens
        token = await index.issue(GRANT)
        await bench.later(600)
        claim = await index.claim(token.token, [CAT], 60, resumable=True)
        assert isinstance(claim, Claim)
        assert claim.ends_in == pytest.approx(300, abs=60)
        assert await index.extend(claim, 0) == pytest.approx(300, abs=60)
        assert await index.extend(claim, 2000) == pytest.approx(900, abs=60)
        await bench.later(800)
        assert await cause(bench, token.token, CAT) == "used"
        with pytest.raises(errors.IdTaken):
            await index.issue(GRANT)
        assert await index.extend(claim, 2000) == pytest.approx(600, abs=60)
        await bench.later(700)
        with pytest.raises(errors.TokenRefused):
            await index.extend(claim, 2000)
        with pytest.raises(errors.TokenRefused):
            await index.claim(token.token, [CAT], 60, resumable=True)
        await index.issue(GRANT)
        await index.release(claim)

    world.run(scenario)


@everywhere
def test_a_resumable_claim_is_taken_over_by_the_next_one_alone(world: World) -> None:
    """The earlier one can neither go on nor commit; an ordinary claim is taken over by nobody."""

    async def scenario(bench: Bench) -> None:
        index = bench.index.tokens
        token = await index.issue(GRANT)
        first = await index.claim(token.token, [CAT], 60, resumable=True)
        assert isinstance(first, Claim)
        await bench.later(500)
        await index.extend(first, 5000)
        await bench.later(500)  # the token is past its end, the claim is not
        second = await index.claim(token.token, [CAT], 60, resumable=True)
        assert isinstance(second, Claim)
        assert second.nonce != first.nonce
        for attempt in (
            index.extend(first, 5000),
            index.complete(first, worlds.original(), "0" * 64, "{}"),
        ):
            with pytest.raises(errors.TokenRefused):
                await attempt
        await index.complete(second, worlds.original(), "0" * 64, "{}")
        for claim in (first, second):
            spent = await index.extend(claim, 5000)
            assert isinstance(spent, Spent)
            assert (spent.received_sha256, spent.receipt) == ("0" * 64, "{}")
        ordinary = await index.issue(Grant(image=ImageId("dog"), lifetime=900.0))
        await index.claim(ordinary.token, [ImageId("dog")], 60)
        with pytest.raises(errors.TokenRefused):
            await index.claim(ordinary.token, [ImageId("dog")], 60, resumable=True)

    world.run(scenario)


@everywhere
def test_many_tokens_are_issued_together_or_not_at_all(world: World) -> None:
    """In the order of the request; the error names all ids that are taken."""
    dog, owl = ImageId("dog"), ImageId("owl")

    async def scenario(bench: Bench) -> None:
        tokens = bench.index.tokens
        await tokens.issue(GRANT)
        await bench.upload(owl)
        grants = [dataclasses.replace(GRANT, image=image) for image in (owl, dog, CAT)]
        with pytest.raises(errors.IdTaken) as caught:
            await tokens.issue_all(grants)
        assert caught.value.fields == {"ids": ["owl", "cat"]}
        overwriting = [dataclasses.replace(grant, overwrite=True) for grant in grants[:2]]
        issued = await tokens.issue_all(overwriting)
        assert [token.image for token in issued] == [owl, dog]
        for token, grant in zip(issued, overwriting, strict=True):
            claim = await tokens.claim(token.token, [token.image], 60.0)
            assert isinstance(claim, Claim)
            assert claim.grant == grant

    world.run(scenario)


@everywhere
def test_requests_for_the_same_ids_in_any_order_end(world: World) -> None:
    """One of them gets its tokens, all others none; nobody waits for a deadlock."""
    images = [ImageId(f"cat {number}") for number in range(12)]

    async def scenario(bench: Bench) -> None:
        grants = [dataclasses.replace(GRANT, image=image) for image in images]
        orders = (grants, grants[::-1], grants[6:] + grants[:6], grants[::-1])
        outcomes = await asyncio.gather(
            *(bench.index.tokens.issue_all(order) for order in orders), return_exceptions=True
        )
        assert sorted(type(outcome).__name__ for outcome in outcomes) == [
            "IdTaken",
            "IdTaken",
            "IdTaken",
            "list",
        ]

    world.run(scenario)
