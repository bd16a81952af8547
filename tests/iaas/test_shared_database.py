"""One database for the published service and for us: its own configuration boots as it is."""

from pathlib import Path

from storage import worlds
from web import pictures
from web.servers import Process

from iaas import scenes
from iaas.published import published


@worlds.needs_postgresql
def test_its_tables_and_ours_do_not_get_into_each_others_way(tmp_path: Path) -> None:
    """A server on its database starts, moves in from there, and leaves its rows alone."""
    with published(tmp_path / "iaas", "2019") as old:
        old.original("cat", pictures.png())
        where = old.link("cat", 20, 20)
        old.token("live", "new")
        old.save()
        house = scenes.House(
            tmp_path / "new", postgresql__url=old.url, originals_dir=str(old.folder)
        )
        with Process(house.folder, **house.keys) as server:
            assert server.client.get("/_health").status_code == 200
            assert server.client.get("/cat_10_10.png").status_code == 200
        assert house.move_in(old)
        assert house.counts("originals") == (0, 1, 0), "the server has adopted it"
        assert house.move_in(old)
        assert house.counts("links") == (0, 1, 0)
        with Process(house.folder, **house.keys) as server:
            answer = server.client.get("/cat_20_20.jpg")
            assert (answer.status_code, answer.headers["Location"]) == (303, where)
            assert server.client.upload("new", pictures.png(), "live").status_code == 200
