"""The commands that look after an installation: verify and doctor."""

import datetime
import errno
import json
import os
import socket
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import Result
from maintenance.test_s3 import keys_of
from storage import s3worlds
from storage.s3worlds import World, everywhere
from web import certificates, pictures, servers

from cli.conftest import Run
from liveresize.config import check
from liveresize.maintenance.doctor import (
    entrances,
    exposure,
    findings,
    folders,
    log_output,
    machine,
)
from liveresize.settings.server import Disk


@pytest.mark.parametrize("command", ["check", "verify", "doctor"])
def test_help_teaches_with_examples(run: Run, command: str) -> None:
    """Every command shows how it is used, and the list of commands has it."""
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Examples:\n" in result.output
    assert f"\n  {command} " in run("--help").output


def test_verify_tells_what_is_damaged(run: Run, tmp_path: Path) -> None:
    """Exit code 1 and its name, for people and for programs; 0 where all is well, 2 where it
    could not finish."""
    with servers.Running(tmp_path) as running:
        for name in ("cat", "dog"):
            running.client.put_in(name, pictures.jpeg())
        path = running.originals[0]
    environ = servers.environ(tmp_path)
    well = run("verify", **environ)
    assert (well.exit_code, well.output) == (0, "compared: 2 originals\nnothing found\n")
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    told = run("verify", **environ)
    assert told.exit_code == 1
    assert "corrupt: 1 found, 0 repaired (originals on this disk whose" in told.output
    assert "\n  cat (" in told.output
    summary = json.loads(run("verify", "--json", "--repair", **environ).stdout)
    assert (summary["left"], summary["complete"]) == (1, True)
    assert summary["remarks"] == ["There is no mirror: see aws.originals_bucket."]
    assert run("verify", "--verbose", **environ).output.startswith("corrupt: cat (")
    assert run("verify", PORT="http").exit_code == 2


def test_check_runs_all_in_their_order_and_repairs_what_it_is_told_to(
    run: Run, tmp_path: Path
) -> None:
    """One report, and 0 where all is well, 1 where something is left."""
    with servers.Running(tmp_path) as running:
        for name in ("cat", "dog"):
            running.client.put_in(name, pictures.jpeg())
        damaged, lost = running.originals
    environ = servers.environ(tmp_path)
    quick = run("check", **environ)
    assert quick.exit_code == 0, quick.output
    assert "== verify" not in quick.output
    assert quick.output.splitlines()[-1] == "doctor     0 problems"
    deep = run("check", "--deep", **environ)
    assert deep.exit_code == 0, deep.output
    titles = [line.split(":")[0] for line in deep.output.splitlines() if line.startswith("== ")]
    assert titles == ["== doctor", "== verify", "== reconcile", "== result"]
    assert deep.output.count("nothing found\n") == 2
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    whole = lost.read_bytes()
    lost.unlink()
    for arguments, status, left in (
        (["--deep"], 1, {"verify": 2, "reconcile": 1}),
        (["--repair"], 1, {"reconcile": 1}),
        (["--deep", "--repair"], 1, {"verify": 2, "reconcile": 1}),
    ):
        result = run("check", *arguments, "--json", **environ)
        report = json.loads(result.stdout)
        assert result.exit_code == status, (arguments, report)
        assert report.pop("skipped") == []
        assert report.pop("doctor")
        assert {step: one["left"] for step, one in report.items()} == left
    assert all(report[step]["complete"] for step in ("verify", "reconcile"))
    told = run("check", "--repair", **environ).output
    assert "bring their files back from a backup" in told
    lost.write_bytes(whole)
    assert run("check", "--repair", **environ).exit_code == 0, "a lost image is not forgotten"


def test_check_compares_nothing_on_a_disk_that_is_not_well(run: Run, tmp_path: Path) -> None:
    """Else all images would seem to be lost, and be forgotten with --repair. A port that is taken
    is no reason to stop; settings that are refused are."""
    with servers.Running(tmp_path) as running:
        running.client.put_in("cat", pictures.jpeg())
    environ = servers.environ(tmp_path)
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    (tmp_path / "data").write_text("no folder")
    result = run("check", "--deep", "--repair", **environ)
    assert result.exit_code == 2, result.output
    assert "reconcile  skipped, because of the problems" in result.output
    (tmp_path / "data").unlink()
    (tmp_path / "elsewhere").rename(tmp_path / "data")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environ = servers.environ(tmp_path, listen_port=taken.getsockname()[1])
        result = run("check", "--deep", "--json", **environ)
    report = json.loads(result.stdout)
    assert (result.exit_code, report["skipped"]) == (1, [])
    assert report["reconcile"]["left"] == report["verify"]["left"] == 0
    refused = run("check", "--repair", "--json", PORT="http")
    assert (refused.exit_code, json.loads(refused.stdout)["skipped"]) == (2, ["reconcile"])
    assert run("check", PORT="http").exit_code == 1


def told(result: Result) -> dict[str, list[dict[str, str]]]:
    """The findings of a doctor that spoke JSON, by their parts."""
    found: dict[str, list[dict[str, str]]] = {}
    for finding in json.loads(result.stdout):
        found.setdefault(finding["part"], []).append(finding)
    return found


def levels(found: list[dict[str, str]]) -> list[str]:
    """How bad they are, in their order."""
    return [finding["level"] for finding in found]


def test_doctor_finds_a_fresh_installation_well(run: Run, tmp_path: Path) -> None:
    """Without a problem, and without anything left behind, not even a folder."""
    environ = servers.environ(tmp_path)
    result = run("doctor", "--json", **environ)
    found = told(result)
    assert result.exit_code == 0
    assert found["database"][0]["what"].endswith("is not there yet; the first start makes it.")
    assert {"codec jpeg", "codec avif", "acceleration", "limits", "clock", "tls"} <= found.keys()
    assert all(finding["do"] for each in found.values() for finding in each
               if finding["level"] != "ok")  # fmt: skip
    assert os.listdir(tmp_path) == []
    text = run("doctor", **environ)
    assert text.exit_code == 0
    assert text.output.splitlines()[-1].endswith(" 0 problems")


def test_doctor_looks_at_a_server_that_runs(run: Run, tmp_path: Path) -> None:
    """Its database has the schema, and the port is ours."""
    with servers.Running(tmp_path) as running:
        running.client.put_in("cat", pictures.jpeg())
        environ = servers.environ(tmp_path, listen_port=running.port)
        before = sorted((tmp_path / "data").rglob("*"))
        found = told(run("doctor", "--json", **environ))
        assert sorted((tmp_path / "data").rglob("*")) == before
    assert levels(found["database"]) == ["ok"] * 3
    assert "SQLite" in found["database"][0]["what"]
    assert found["listen_port"][0]["what"].startswith("A server of ours answers at 127.0.0.1:")


def test_doctor_names_the_images_of_fallbacks_that_are_missing(run: Run, tmp_path: Path) -> None:
    """Each once, and what to do."""
    keys: dict[str, object] = {"fallback": {"a-": "one", "b-": "two", "c-": "one", "d-": "three"}}
    early = told(run("doctor", "--json", **servers.environ(tmp_path, **keys)))["fallback"]
    assert levels(early) == ["warning"] * 3
    with servers.Running(tmp_path, admin__secrets=[servers.ADMIN], **keys) as running:
        running.client.put_in("one", pictures.png())
        running.client.put_in("three", pictures.png(), held=True)
        environ = servers.environ(tmp_path, listen_port=running.port, **keys)
        found = {
            each["what"].split(",")[0]: each
            for each in told(run("doctor", "--json", **environ))["fallback"]
        }
    assert {name: each["level"] for name, each in found.items()} == {
        "one": "ok",
        "two": "warning",
        "three": "warning",
    }
    assert found["three"]["what"].endswith("is held or has expired.")
    assert found["two"]["do"] == "Upload it: liveresize upload FILE --id two."


def test_doctor_names_the_pictures_of_overlays(run: Run, tmp_path: Path) -> None:
    """Those that are there and those that are not; what is refused meanwhile, and what to do."""
    keys: dict[str, object] = {
        "overlays": {name: {"picture": name} for name in ("one", "two", "three")},
        "constraints__overlay_above": {"width": 400, "overlay": "two"},
    }
    early = told(run("doctor", "--json", **servers.environ(tmp_path, **keys)))["overlays"]
    assert levels(early) == ["problem"] * 3
    with servers.Running(tmp_path, admin__secrets=[servers.ADMIN], **keys) as running:
        running.client.put_in("one", pictures.png())
        running.client.put_in("three", pictures.png(), held=True)
        environ = servers.environ(tmp_path, listen_port=running.port, **keys)
        one, two, three = told(run("doctor", "--json", **environ))["overlays"]
    assert levels([one, two, three]) == ["ok", "problem", "problem"]
    assert "two, is missing. Everything wider than 400 pixels" in two["what"]
    assert "three, is held" in three["what"]
    assert "overlay=three" in three["what"]
    assert two["do"] == "Upload it: liveresize upload FILE --id two."


def test_doctor_knows_a_server_on_a_port_that_systemd_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its user may not listen there, nor need to."""

    def bind(address: str, port: int) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(entrances, "_bind", bind)
    with servers.Running(tmp_path) as running, certificates.reserved_port() as free:
        chosen = [("listen_port", running.port, False), ("tls.port", free, True)]
        ours, closed = entrances.ports("127.0.0.1", chosen)
    assert ours.what.startswith("A server of ours answers")
    assert "a socket of systemd" in closed.do


def test_expiry_is_paused_and_resumed_for_all_instances(run: Run, tmp_path: Path) -> None:
    """And doctor says that it is paused, and how to go on."""
    environ = servers.environ(tmp_path)

    def said(*arguments: str) -> str:
        result = run("expiry", *arguments, **environ)
        assert result.exit_code == 0, result.output
        return result.output

    (tmp_path / "data").mkdir()
    assert said("status") == "Expiry is not paused.\n"
    assert json.loads(said("pause", "--json")) == {"paused": True}
    since = json.loads(said("status", "--json"))["paused_since"]
    assert said("status") == f"Expiry is paused since {since}.\n"
    found = told(run("doctor", "--json", **environ))["database"]
    (warned,) = [each for each in found if each["level"] == "warning"]
    assert since in warned["what"]
    assert "`liveresize expiry resume`" in warned["do"]
    assert said("resume") == "Expiry goes on.\n"
    assert json.loads(said("resume", "--json")) == {"resumed": False}


def test_doctor_says_what_is_wrong(run: Run, tmp_path: Path) -> None:
    """A port that is taken, a database that is none, proxies without end, a disk too full."""
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"this is no database, however long one looks at it" * 100)
    with socket.create_server(("127.0.0.1", 0)) as other:
        threading.Thread(target=_hang_up, args=(other,), daemon=True).start()
        result = run(
            "doctor",
            "--json",
            **servers.environ(
                tmp_path,
                listen_port=other.getsockname()[1],
                database__path=str(broken),
                trusted_proxies=["0.0.0.0/0", "10.0.0.1/32"],
                disk__reserve=1 << 60,
                secret="hush, hush",
                colour="red",
            ),
        )
        other.shutdown(socket.SHUT_RDWR)
    found = told(result)
    assert result.exit_code == 1
    assert levels(found["database"]) == ["problem"]
    assert levels(found["listen_port"]) == ["problem"]
    assert "0.0.0.0/0: any client" in found["trusted_proxies"][0]["what"]
    assert "10.0.0.1" not in found["trusted_proxies"][0]["what"]
    assert any("uploads are refused" in finding["what"] for finding in found["data_dir"])
    assert any("colour" in finding["what"] for finding in found["config"])
    weak = [each for each in found["config"] if each["what"].startswith("secret has less than 16")]
    assert levels(weak) == ["problem"]
    assert "hush" not in result.output


def _hang_up(listener: socket.socket) -> None:
    try:
        while True:
            listener.accept()[0].close()
    except OSError:
        return


def test_doctor_names_a_setting_that_stops_the_start(run: Run) -> None:
    """It is a finding like any other."""
    result = run("doctor", PORT="http")
    assert result.exit_code == 1
    assert result.output.startswith("problem  config: ")


def test_doctor_looks_at_postgresql_that_is_not_there(run: Run, tmp_path: Path) -> None:
    """In bounded time, and without its password."""
    with certificates.reserved_port() as port:
        url = f"postgresql://me:hush@127.0.0.1:{port}/pictures"
        result = run("doctor", "--json", **servers.environ(tmp_path, postgresql__url=url))
    (found,) = told(result)["database"]
    assert found["level"] == "problem"
    assert "postgresql.host and port" in found["do"]
    assert "hush" not in result.output


def test_doctor_says_once_what_stops_the_start(run: Run, tmp_path: Path) -> None:
    """The part that it is about would say the same."""
    environ = {"postgresql__host": "localhost", "postgresql__ca": str(tmp_path / "none.pem")}
    result = run("doctor", **servers.environ(tmp_path, **environ))
    assert result.output.count("of sslrootcert or postgresql.ca") == 1
    assert result.output.endswith(" 1 problems\n")


@everywhere
def test_doctor_tries_the_buckets(run: Run, tmp_path: Path, world: World) -> None:
    """Put, read, shown, removed; nothing is left there, and no key is shown."""
    with world.place() as renditions, world.place() as originals:
        keys = keys_of(renditions, originals)
        result = run("doctor", "--json", **servers.environ(tmp_path, **keys))
        found = told(result)
        assert levels(found[f"aws.bucket ({renditions.bucket})"]) == ["ok"] * 3
        assert levels(found[f"aws.originals_bucket ({originals.bucket})"]) == ["ok"] * 3
        assert levels(found["aws"]) == ["ok"]
        signed = run(
            "doctor", "--json", **servers.environ(tmp_path, **{**keys, "delivery": "presign"})
        )
        bucket = told(signed)[f"aws.bucket ({renditions.bucket})"]
        assert levels(bucket) == ["ok", "ok", "ok", "warning", "ok"]
        assert "an address of a private network" in bucket[3]["what"]
        elsewhere = {**keys, "delivery": "redirect", "aws__cache_host": "http://127.0.0.1:9/x"}
        refused = run("doctor", "--json", **servers.environ(tmp_path, **elsewhere))
        assert refused.exit_code == 1
        assert "problem" in levels(told(refused)[f"aws.bucket ({renditions.bucket})"])
        assert not renditions.listed()
        assert not originals.listed()
        for output in (result.output, signed.output, refused.output):
            assert s3worlds.SECRET_KEY not in output
            assert "X-Amz-Signature" not in output


def test_doctor_says_that_a_store_is_away(run: Run, tmp_path: Path) -> None:
    """Every bucket has its problem."""
    with certificates.reserved_port() as port:
        result = run(
            "doctor",
            "--json",
            **servers.environ(
                tmp_path,
                aws__access_key="k",
                aws__secret_key="hush",
                aws__bucket="pictures",
                aws__endpoint_url=f"http://127.0.0.1:{port}",
            ),
        )
    assert "problem" in levels(told(result)["aws.bucket (pictures)"])
    assert "hush" not in result.output


@pytest.mark.parametrize(
    ("days", "level"), [(-1, "problem"), (5, "problem"), (20, "warning"), (90, "ok")]
)
def test_doctor_counts_the_days_of_a_certificate(tmp_path: Path, days: int, level: str) -> None:
    """A month before its end it is time, two weeks before something has gone wrong."""
    made = certificates.make(tmp_path, ends_in=datetime.timedelta(days=days, hours=1))
    assert [finding.level.value for finding in entrances.certificate(made.tls)] == [level]


def test_doctor_knows_file_systems_of_others(tmp_path: Path) -> None:
    """By the mounts that the system lists, the deepest of them, spaces and all."""
    folder = folders.Folder(key="data_dir", path=tmp_path, disk=Disk(reserve=0, reserve_inodes=0))
    mounts = tmp_path / "mounts"
    escaped = str(tmp_path).replace(" ", "\\040")
    for kind, level in [("nfs4", "warning"), ("overlay", "warning"), ("xfs", "ok")]:
        mounts.write_text(f"/dev/a / ext4 rw 0 0\nhost:/x {escaped} {kind} rw 0 0\n")
        assert [each.level.value for each in folders.look(folder, mounts)][-1] == level


@pytest.mark.parametrize(
    ("closed", "what", "do"),
    [
        ("data", "data cannot be written to by", "chown -R {user}: {0}/data."),
        ("", "new/data cannot be made by", "install -d -o {user} -m 750 {0}/new/data;"),
        ("data/spool", "spool in {0}/data cannot", "chown -R {user}: {0}/data"),
        ("data/originals/_main", "originals/_main in", "chown -R"),
    ],
)
def test_doctor_finds_folders_that_are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed: str, what: str, do: str
) -> None:
    """It names the user, and the command that gives this folder to them and no other."""
    for name in ("data/spool", "data/originals/_main"):
        (tmp_path / name).mkdir(parents=True)
    shut = tmp_path / closed

    def access(path: str | Path, mode: int) -> bool:
        return Path(path) != shut or not mode & os.W_OK

    monkeypatch.setattr(os, "access", access)
    path = tmp_path / ("data" if closed else "new/data")
    folder = folders.Folder(key="data_dir", path=path, disk=Disk(reserve=0, reserve_inodes=0))
    (found,) = [each for each in folders.look(folder) if each.level is not findings.Level.OK]
    assert what.format(tmp_path) in found.what
    assert findings.user() in found.what
    assert do.format(tmp_path, user=findings.user()) in found.do


def test_doctor_says_that_a_folder_is_out_of_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told to give away a folder of root's."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    folder = folders.Folder(key="data_dir", path=tmp_path / "x", disk=Disk())
    (found,) = folders.look(folder)
    assert "may not enter" in found.what
    assert "chown" not in found.do
    (log,) = log_output.look(str(tmp_path / "x.log"))
    assert "may not enter" in log.what


def test_doctor_finds_a_database_of_root(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite reads such a file well, and then no upload is recorded."""
    environ = servers.environ(tmp_path)
    assert run("migrate", **environ).exit_code == 0
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: not str(path).endswith(".sqlite") and access(path, mode)
    )
    (found,) = told(run("doctor", "--json", **environ))["database"]
    assert found["level"] == "problem"
    assert f"chown {findings.user()}: " in found["do"]


def test_doctor_weighs_workers_against_the_memory(tmp_path: Path) -> None:
    """That of the machine, or of the container if that has less."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text(f"MemTotal: {4 << 20} kB\n")
    (tmp_path / "proc/self/cgroup").write_text("0::/\n")

    def level(slots: int, per_worker: int) -> str:
        return list(machine.limits(slots, per_worker, tmp_path))[-1].level.value

    assert level(4, 1 << 30) == "ok"
    assert level(5, 1 << 30) == "warning"
    (tmp_path / "sys/fs/cgroup/memory.max").write_text(f"{1 << 29}\n")
    assert level(1, 1 << 30) == "problem"


def test_doctor_looks_at_where_the_log_goes(tmp_path: Path) -> None:
    """A file that can be written, a receiver that listens; nothing is made."""

    def found(output: str) -> str:
        (finding,) = log_output.look(output)
        return f"{finding.level} {finding.what} {finding.do}"

    assert found("stdout").startswith("ok")
    assert found(str(tmp_path / "new.log")).startswith("ok")
    assert not (tmp_path / "new.log").exists()
    assert f"problem The folder {tmp_path}/none" in found(str(tmp_path / "none" / "x.log"))
    assert "is a folder" in found(str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as receiver:
        address = f"tcp://127.0.0.1:{receiver.getsockname()[1]}"
        assert found(address).startswith("ok")
    assert found(address).startswith(f"problem {address} accepts no connection")


def test_doctor_says_who_gets_tokens_and_sees_what() -> None:
    """With a secret, without, and for how many."""

    def level(found: Iterable[findings.Finding]) -> list[str]:
        return [finding.level.value for finding in found]

    private, all_ = ["10.0.0.0/8"], ["10.0.0.0/8", "::/0"]
    for networks, has_secret, for_others, expected in (
        (all_, True, True, "ok"),
        (private, False, False, "ok"),
        (private, False, True, "warning"),
        (all_, False, False, "problem"),
    ):
        told = exposure.tokens(networks, has_secret=has_secret, for_others=for_others)
        assert level(told) == [expected]
    assert level(exposure.admin(private, has_secrets=True)) == ["ok", "ok"]
    assert level(exposure.admin(all_, has_secrets=False)) == ["warning", "ok"]
    for on, has_secrets, for_others, expected in (
        (False, False, True, "ok"),
        (True, False, False, "ok"),
        (True, True, True, "ok"),
        (True, False, True, "problem"),
    ):
        told = exposure.studio(on=on, has_secrets=has_secrets, for_others=for_others)
        assert level(told) == [expected]
    addresses = ("", "0.0.0.0", "10.0.0.7", "images.internal", "127.0.0.1", "::1", "localhost")
    others = [check.others_can_connect(address) for address in addresses]
    assert others == [True] * 4 + [False] * 3


def test_a_finding_is_of_one_line() -> None:
    """Whatever a path or a store had in its name."""
    finding = findings.problem("x", "a\nb\x1b[2J\udc80", "do\rit")
    assert finding.text() == "problem  x: a\\nb\\x1b[2J\\udc80\n         → do\\rit"
    assert [findings.amount(size) for size in (5, 2048, 3 << 40)] == ["5 B", "2.0 KiB", "3.0 TiB"]
