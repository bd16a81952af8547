"""`quality=visual`: what is found once for a picture, and is part of the variant from then on."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from liveresize import errors
from liveresize.core import urls
from liveresize.core.geometry import Bounds
from liveresize.core.jobs import VisualJob
from liveresize.core.names import ImageId
from liveresize.core.operation import UrlRules
from liveresize.core.originals import Original
from liveresize.core.rates import Rate
from liveresize.core.urls import RenditionRequest
from liveresize.core.values import Quality
from liveresize.delivery.outcomes import Bytes, HeadInfo, OutOfBounds, Redirect

from .doubles import away, picture, run, turns
from .house import CAT, House, disk_store

FOUND = Quality(71, 68, 49, target=960)
VARIANT = "100x0-qv960.71-jpeg"


def visual(
    path: str = "/cat_100_0.jpg", *, target: int = 960, accept: str = ""
) -> RenditionRequest:
    """A request with that quality."""
    asked = urls.parse(f"{path}?quality=visual", accept, UrlRules(visual=target))
    assert isinstance(asked, RenditionRequest)
    return asked


def searches(house: House) -> list[int]:
    """The targets that a worker was asked for."""
    return [job.target for job in house.renderer.jobs if isinstance(job, VisualJob)]


async def row(house: House) -> Original:
    original = await house.index.rows.find(CAT)
    assert original is not None
    return original


def test_a_quality_is_found_once_for_all(tmp_path: Path) -> None:
    """For all who ask at once, all sizes and formats, and all instances; what has no loss is not
    looked at."""

    async def main() -> None:
        house = House(tmp_path / "here")
        await house.upload()
        await house.get(visual("/cat_50_0.png"))
        assert (searches(house), house.renditions.recall(visual())) == ([], None)
        many = await asyncio.gather(*(house.get(visual()) for _ in range(5)))
        assert {each.variant for each in many} == {VARIANT}
        assert (searches(house), (await row(house)).visual) == ([960], FOUND)
        recalled = house.renditions.recall(visual())
        assert isinstance(recalled, Bytes | Redirect)
        for path, accept, variant in (
            ("/cat_60_0.webp", "", "60x0-qv960.68-webp"),
            ("/cat_60_0.auto", "image/avif,image/webp", "60x0-qv960.71.68.49-auto.aw"),
            ("/cat_60_0.auto", "image/avif", "60x0-qv960.71.68.49-auto.a"),
        ):
            assert (await house.get(visual(path, accept=accept))).variant == variant
        there = House(tmp_path / "here", index=house.index)
        assert (await there.get(visual())).variant == VARIANT
        assert (len(searches(house)), searches(there)) == (1, [])

    run(main)


def test_the_first_that_is_written_counts(tmp_path: Path) -> None:
    """Whichever instance found it; memory has it, too."""

    async def main() -> None:
        house = House(tmp_path)
        original = await house.upload()
        other = Quality(60, 50, 40, target=960)

        async def sooner() -> None:
            del house.index.before["rows.keep_visual"]
            await house.index.rows.keep_visual(original.generation, other)

        house.index.before["rows.keep_visual"] = sooner
        assert (await house.get(visual())).variant == "100x0-qv960.60-jpeg"
        assert (await row(house)).visual == other
        assert house.renditions.recall(visual()) is not None

    run(main)


def test_another_target_makes_other_renditions(tmp_path: Path) -> None:
    """And so does another picture: what was found for the one before is not known of it."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        await house.get(visual())
        assert (await house.get(visual(target=970))).variant == "100x0-qv970.71-jpeg"
        assert (await row(house)).visual == replace(FOUND, target=970)
        token = await house.token(overwrite=True)
        await house.send(token, picture(soul="another"))
        assert (await row(house)).visual is None
        await house.get(visual())
        assert searches(house) == [960, 970, 960]

    run(main)


def test_without_the_index_a_quality_is_found_and_kept_in_memory(tmp_path: Path) -> None:
    """It goes by the same name, so that nothing is made twice when the index is back."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        for name in ("of", "keep_visual"):
            house.index.before[f"rows.{name}"] = away()
        assert (await house.get(visual())).variant == VARIANT
        assert (await house.get(visual("/cat_99_0.jpg"))).variant == "99x0-qv960.71-jpeg"
        assert (searches(house), (await row(house)).visual) == ([960], None)

    run(main)


def test_what_cannot_be_compared_has_the_configured_quality(tmp_path: Path) -> None:
    """As `auto`; it is not tried again. When there is no slot, the client is told."""

    async def main() -> None:
        house = House(tmp_path)
        await house.upload()
        house.renderer.failure = errors.QueueFull()
        with pytest.raises(errors.QueueFull):
            await house.get(visual())
        house.renderer.failure = errors.MemoryExceeded()
        asked = asyncio.create_task(house.get(visual()))
        await turns()
        with pytest.raises(errors.MemoryExceeded):
            await asked  # the render failed, too
        house.renderer.failure = None
        assert (await house.get(visual())).variant == "100x0-qa82-jpeg"
        assert (len(searches(house)), (await row(house)).visual) == (2, None)

    run(main)


def test_only_what_is_made_is_looked_at(tmp_path: Path) -> None:
    """Not for HEAD, and not for what is too large; what is warmed is."""

    async def main() -> None:
        house = House(tmp_path, bounds=Bounds(200, 200))
        await house.upload()
        known = await house.renditions.known(visual())
        assert isinstance(known, HeadInfo)
        assert (known.variant, known.link, known.held) == ("", None, None)
        large = await house.renditions.serve(visual("/cat_300_0.jpg"))
        assert isinstance(large, OutOfBounds)
        assert large.url == "/cat_200_0.jpg?quality=visual"
        assert (searches(house), house.renditions.ready(visual())) == ([], False)
        await house.renditions.warm(visual())
        assert (searches(house), house.renditions.ready(visual())) == ([960], True)
        known = await house.renditions.known(visual())
        assert isinstance(known, HeadInfo)
        assert (known.variant, known.held is not None) == (VARIANT, True)

    run(main)


def test_a_search_counts_as_a_render(tmp_path: Path) -> None:
    """A client over its rate has no worker search for it."""

    async def main() -> None:
        house = House(tmp_path, rates=Rate(per_second=0.001, burst=2))
        await house.upload()
        await house.get(visual(), client="c")
        await house.upload(ImageId("dog"))
        for client in ("c", "c"):
            with pytest.raises(errors.RateLimited):
                await house.get(visual("/dog_100_0.jpg"), client=client)
        assert searches(house) == [960]
        await house.get(visual("/dog_100_0.jpg"), client="d")
        assert searches(house) == [960, 960]

    run(main)


def test_an_object_that_went_is_made_again(tmp_path: Path) -> None:
    """Anybody may ask for it by its URL; for other levels, nobody may."""

    async def main() -> None:
        house = House(tmp_path, store=disk_store(tmp_path))
        original = await house.upload()
        await house.get(visual())
        key = f"{original.image.key}/{original.generation}/90x0-qv960.{{}}-jpeg.jpg"
        await house.objects.serve(key.format(71))
        for level in ("72", "70", "71.68.49"):
            with pytest.raises(errors.OriginalMissing):
                await house.objects.serve(key.format(level))

    run(main)
