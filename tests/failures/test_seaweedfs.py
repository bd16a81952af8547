"""Production on a distributed store, which loses what keeps its bytes and gets it back."""

from pathlib import Path

import pytest
from storage import s3worlds, worlds

from . import production
from .load import Load

pytestmark = [pytest.mark.long, worlds.needs_postgresql, s3worlds.needs_seaweedfs]


@pytest.mark.parametrize("puts", [True, False])
def test_pictures_are_served_while_no_volume_server_runs(tmp_path: Path, puts: bool) -> None:
    """SeaweedFS still answers then, and knows every name, but has no bytes to give or to take.
    Nothing is lost, nobody is sent there, and what waited arrives; without puts as well, when
    only what clients are sent to can tell."""
    folder, delivery = tmp_path / "server", "redirect" if puts else "presign"
    with (
        s3worlds.SeaweedFS() as server,
        production.production(folder, "seaweedfs", server, delivery=delivery) as (process, places),
    ):
        with Load(process.url, uploaders=int(puts), new_sizes=puts) as load:
            production.well(process)
            load.count.enter("before")
            load.more(20)
            load.count.enter("fault")
            load.more(1)
            server.stop_volumes()
            production.store_is(process, False)
            load.count.enter("broken")
            load.more(30, uploads=3)
            load.count.enter("recovery")
            server.start_volumes()
            production.store_is(process, True)
            load.more(10)
            load.count.enter("after")
            load.more(20)
            load.stop()
        load.count.show(f"SeaweedFS without volume servers, {delivery}, {puts=}")
        assert load.count.of("").lost == []
        assert [load.count.of(phase).misled for phase in ("before", "broken", "after")] == [0, 0, 0]
        assert load.count.of("").refused == 0
        production.settle(load, process, places)
