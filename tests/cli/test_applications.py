"""What the operator's commands say of applications: doctor and reconcile."""

import json
import sqlite3
from pathlib import Path

from web import pictures, servers

from cli.conftest import Run
from cli.test_checks import told

SECRET = "the secret of the shop"
SHOP = {"secret": SECRET, "prefix": "shop-", "max_pictures": 2}


def test_a_wrong_count_is_found_and_corrected(run: Run, tmp_path: Path) -> None:
    """As an instance of an earlier release leaves it; doctor sees a quota that is full."""
    given = {"applications": {"shop": SHOP}}
    with servers.Running(tmp_path, **given) as running:
        for name in ("shop-1", "shop-2"):
            running.client.put_in(name, pictures.png(), secret=SECRET)
        size = sum(path.stat().st_size for path in running.originals)
    environ = servers.environ(tmp_path, **given)

    def doctor() -> dict[str, str]:
        (finding,) = told(run("doctor", "--json", **environ))["applications"]
        return finding

    assert doctor()["what"] == "shop has 2 of 2 images: it is full."
    assert run("reconcile", **environ).exit_code == 0
    database = sqlite3.connect(tmp_path / "data" / "liveresize.sqlite")
    with database:
        database.execute("UPDATE application_use SET pictures = -1, bytes = 7")
    assert doctor()["what"] == "The images of shop are counted wrongly: -1 with 7 bytes."
    found = run("reconcile", **environ)
    assert found.exit_code == 1
    line = f"shop (-1 pictures of 7 bytes recorded, 2 pictures of {size} bytes found)"
    assert "wrong_count: 1 found, 0 repaired" in found.output
    assert line in found.output
    assert doctor()["level"] == "warning"
    summary = json.loads(run("reconcile", "--repair", "--json", **environ).stdout)
    assert summary["findings"]["wrong_count"] == {"found": 1, "repaired": 1, "examples": [line]}
    assert run("reconcile", **environ).exit_code == 0
    with database:
        database.execute("UPDATE application_use SET pictures = NULL, bytes = NULL")
    database.close()
    assert "are not counted yet" in doctor()["what"]
    assert run("reconcile", **environ).exit_code == 0
    more = servers.environ(tmp_path, applications={"shop": {**SHOP, "max_pictures": 9}})
    (finding,) = told(run("doctor", "--json", **more))["applications"]
    assert (finding["level"], finding["what"]) == ("ok", f"shop has 2 of 9 images, {size} bytes.")
