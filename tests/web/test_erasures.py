"""DELETE with a receipt, and what `/_erasures/{id}` says afterwards."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs
from webhook.scripted import OK, ScriptedServer

from liveresize.app import lifecycle
from liveresize.core import numbers

from . import pictures, servers

BEARER = {"Authorization": f"Bearer {servers.ADMIN}"}


def test_a_deletion_has_a_receipt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for none gets what 1.0.0 answered; both are in the log, and can be looked up."""
    monkeypatch.setattr(lifecycle, "_LISTEN_EVERY", 0.1)
    with servers.Running(
        tmp_path, secret=servers.SECRET, admin__secrets=[servers.ADMIN], redirect_cache_timeout=7
    ) as running:
        web = running.client
        for name in ("cat", "dog", "hen"):
            web.put_in(name, pictures.png())
        assert web.delete("/hen?receipt=yes", headers=BEARER).status_code == 400
        assert web.get("/hen").status_code == 200
        with capture_logs() as logged:
            plain = web.delete("/dog", headers=BEARER)
            answer = web.delete("/cat?receipt=true", headers=BEARER)
        assert (plain.status_code, plain.content) == (204, b"")
        assert (answer.status_code, answer.headers["X-Deleted"]) == (200, "cat")
        assert answer.headers["Cache-Control"] == "no-store"
        receipt = answer.json()
        assert (receipt["id"], receipt["mirror"], receipt["renditions"]) == ("cat", None, None)
        erased_at = numbers.instant(receipt["erased_at"])
        redirects_end = numbers.instant(receipt["redirects_end"])
        assert erased_at is not None
        assert redirects_end == pytest.approx(erased_at + 7, abs=0.01)

        of_dog, of_cat = (line for line in logged if line["event"] == "picture_erased")
        assert of_cat["generation"] == receipt["erasure"]
        assert of_cat["redirects_end"].endswith("Z")
        url = f"/_erasures/{receipt['erasure']}"

        def done() -> bool:
            instances = web.get(url, headers=BEARER).json()["instances"]
            return bool(instances) and all(each["gone_at"] for each in instances)

        servers.until(done)
        assert web.get(f"/_erasures/{of_dog['generation']}", headers=BEARER).json()["id"] == "dog"
        assert web.get(url).status_code == 401
        for unknown in ("0" * 28, "x", ""):
            missing = web.get(f"/_erasures/{unknown}", headers=BEARER)
            assert missing.status_code == 404
        assert web.get(f"/_erasures/{'0' * 28}", headers=BEARER).json()["code"] == "erasure_missing"


@pytest.mark.long
def test_a_kill_loses_neither_receipt_nor_cache(tmp_path: Path) -> None:
    """The next start removes what is left, tells the cache that could not be told, and notes it."""
    down = (503, {}, b"")
    with ScriptedServer(lambda sent: down) as cache:
        given: dict[str, object] = {
            "secret": servers.SECRET,
            "admin__secrets": [servers.ADMIN],
            "cdn__purge": [{"driver": "varnish", "urls": [cache.url]}],
        }
        with servers.Process(tmp_path, **given) as process:
            process.client.put_in("cat", pictures.png())
            receipt = process.client.delete("/cat?receipt=true", headers=BEARER).json()
            process.kill()
        cache.script = lambda sent: OK
        before = len(cache.sent)
        with servers.Process(tmp_path, **given) as process:
            url = f"/_erasures/{receipt['erasure']}"

            def progress() -> tuple[bool, str, int]:
                shown = process.client.get(url, headers=BEARER).json()
                (instance,), (told,) = shown["instances"], shown["caches"]
                return instance["gone_at"] is not None, told["state"], told["tries"]

            servers.until(lambda: len(cache.sent) > before and progress()[2] > 0)
            servers.until(lambda: progress()[0])
            assert progress()[1] == "waiting"  # it is told once more, a minute later
        assert {sent.headers["x-cache-tag"] for sent in cache.sent} == {"cat"}
