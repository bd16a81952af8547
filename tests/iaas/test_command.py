"""`liveresize import iaas` as an operator types it: where it reads and writes, how it ends."""

import json
import os
import subprocess
from pathlib import Path

import preloaded
import pytest
from storage import worlds
from web import pictures
from web.servers import PATIENCE, ROOT, environ

from iaas.published import Published, published
from iaas.scenes import House
from liveresize.app import iaas_places


def typed(folder: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """A command with nothing in its environment but `variables`, in an empty `folder`."""
    folder.mkdir(exist_ok=True)
    return preloaded.run(
        list(arguments),
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **variables},
        timeout=6 * PATIENCE,
    )


def test_built_in_defaults_are_refused(tmp_path: Path, old: Published) -> None:
    """A forgotten NODE_CONFIG_DIR made a copy of everything in ./data, and reported success."""
    old.original("cat", pictures.png())
    old.save()
    arguments = ("--sqlite", str(old.file), "--originals", str(old.folder))
    done = typed(tmp_path / "home", "import", "iaas", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "NODE_CONFIG_DIR and NODE_ENV" in done.stderr
    assert list((tmp_path / "home").iterdir()) == []
    small = environ(tmp_path / "home")
    del small["LIVERESIZE_DATA_DIR"]
    done = typed(tmp_path / "home", "import", "iaas", *arguments, "--yes", **small)
    assert done.returncode == 0, done.stderr
    assert f"        {tmp_path}/home/data/originals" in done.stdout


def test_it_says_where_it_reads_and_writes_before_it_writes(tmp_path: Path, old: Published) -> None:
    """Also where the run then fails: the places come first."""
    config = tmp_path / "config"
    config.mkdir()
    (config / "production.json").write_text(
        json.dumps({"data_dir": str(tmp_path / "there"), "workers": {"slots": 1}})
    )
    done = typed(
        tmp_path / "home",
        *("import", "iaas", "--database", "postgresql://iaas:open-sesame@127.0.0.1:1/iaas"),
        *("--originals", str(old.folder)),
        NODE_CONFIG_DIR=str(config),
        NODE_ENV="production",
    )
    assert done.returncode == 1
    copies = "copies, without location and maker's data"
    assert done.stdout.splitlines() == [
        "reads:  postgresql://iaas@127.0.0.1:1/iaas",
        f"        {old.folder}",
        f"writes: {tmp_path}/there/liveresize.sqlite  (data_dir in {config}/production.json)",
        f"        {tmp_path}/there/originals  (data_dir in {config}/production.json; {copies})",
    ]
    assert not (tmp_path / "there").exists()


def test_everything_left_out_is_named_in_a_file(tmp_path: Path, old: Published) -> None:
    """However many: what is printed has ten names for each reason."""
    for number in range(12):
        old.original(f"text {number}", b"no picture")
        old.link("cat", -number, url="https://cdn.example.com/x.jpg")
    old.save()
    file = tmp_path / "left-out.tsv"
    done = typed(
        tmp_path / "home",
        *("import", "iaas", "--sqlite", str(old.file), "--originals", str(old.folder)),
        *("--left-out", str(file)),
        **environ(tmp_path / "home"),
    )
    assert done.returncode == 3, done.stderr
    lines = [line.split("\t") for line in file.read_text().splitlines()]
    assert sorted(line for line in lines if line[0] == "originals") == sorted(
        ["originals", f"text {number}", "It is no image of a known format."] for number in range(12)
    )
    assert len([line for line in lines if line[0] == "links"]) == 12


def test_a_production_json_that_is_not_read_is_named(tmp_path: Path, old: Published) -> None:
    """NODE_ENV was set for the command before, and is gone."""
    old.save()
    config = tmp_path / "config"
    config.mkdir()
    (config / "default.json").write_text(json.dumps({"data_dir": str(tmp_path / "there")}))
    (config / "production.json").write_text("{}")
    arguments = ("import", "iaas", "--sqlite", str(old.file), "--originals", str(old.folder))
    for variables, named in (({}, True), ({"NODE_ENV": "production"}, False)):
        done = typed(
            tmp_path / "home", *arguments, "--dry-run", NODE_CONFIG_DIR=str(config), **variables
        )
        assert done.returncode == 0
        assert (f"{config}/production.json is not read" in done.stderr) is named


def test_settings_that_keep_old_behaviour_are_written(tmp_path: Path, old: Published) -> None:
    """Beside the configuration, unless the file has other settings; then they are said."""
    old.save()
    config = tmp_path / "config"
    config.mkdir()
    file = config / "local-production.json"
    (config / "default.json").write_text(
        json.dumps({"data_dir": str(tmp_path / "there"), "originals_dir": str(old.folder)})
    )
    arguments = ("import", "iaas", "--sqlite", str(old.file), "--originals", str(old.folder))
    variables = {"NODE_CONFIG_DIR": str(config), "NODE_ENV": "production"}
    done = typed(tmp_path / "home", *arguments, "--dry-run", **variables)
    assert done.returncode == 0, done.stderr
    assert list(config.iterdir()) == [config / "default.json"]
    done = typed(tmp_path / "home", *arguments, **variables)
    assert done.returncode == 0, done.stderr
    assert f"written to {file}" in done.stdout
    assert "warning: compat.lenient" in done.stdout
    written = json.loads(file.read_text())
    assert written == {
        "compat": {"lenient": True},
        "originals": {"upright": True},
        "webp": {"allow_opt_in": False},
        "redirect_cache_timeout": 0,
    }
    file.write_text('{"secret": "of this machine"}')
    done = typed(tmp_path / "home", *arguments, **variables)
    assert done.returncode == 0, done.stderr
    assert f"add them to {file} (it has other settings)" in done.stdout
    assert json.loads(file.read_text()) == {"secret": "of this machine"}
    file.write_text("{}")
    done = typed(tmp_path / "home", *arguments, **variables)
    assert json.loads(file.read_text()) == written


@pytest.mark.parametrize(
    ("keys", "own", "asked"),
    [
        ({}, False, {"compat.lenient": True, "originals.upright": True}),
        (
            {"webp__allow_opt_in": True},
            True,
            {"compat.lenient": True, "originals.upright": True, "redirect_cache_timeout": 0},
        ),
    ],
)
def test_only_what_nothing_sets_is_asked_for(
    tmp_path: Path, keys: dict[str, object], own: bool, asked: dict[str, object]
) -> None:
    """What a configuration does not have means what it meant there, if it came from there."""
    house = House(tmp_path / "new", **keys)
    assert iaas_places.old_behaviour(house.settings, own=own) == asked


@worlds.needs_postgresql
def test_a_shared_database_is_known(tmp_path: Path, house: House) -> None:
    """Then the configuration is the published service's."""
    with published(tmp_path / "iaas", "2019") as old:
        shared = House(tmp_path / "shared", postgresql__url=old.url)
        assert iaas_places.same_database(shared.settings, old.url)
        assert not iaas_places.same_database(house.settings, old.url)
