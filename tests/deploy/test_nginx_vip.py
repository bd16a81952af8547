"""vip behind nginx: addresses as clients see them, and one instance for a picture."""

from pathlib import Path

import pytest
from storage import s3worlds
from web import pictures, servers

from .fleet import instances
from .nginx import Nginx, needs_nginx

pytestmark = [pytest.mark.long, needs_nginx, s3worlds.needs_moto]

TOKEN = "the token of vip"


def test_vip_works_behind_nginx(tmp_path: Path) -> None:
    """Uploads are answered with the https address that was asked, wherever they land; every
    size of a picture is made by the same instance, and once."""
    with s3worlds.World("moto").place() as place:
        keys: dict[str, object] = {
            "vip__buckets": [place.bucket],
            "vip__token": TOKEN,
            "aws__endpoint_url": place.server.address,
            "aws__access_key": s3worlds.ACCESS_KEY,
            "aws__secret_key": s3worlds.SECRET_KEY,
        }
        with (
            instances(tmp_path, 2, **keys) as fleet,
            Nginx(tmp_path, [each.port for each in fleet]) as nginx,
            nginx.client() as client,
        ):
            for number in range(6):
                answer = client.post(
                    f"/upload/{place.bucket}",
                    content=pictures.jpeg(200, 150, number),
                    headers={"X-Vip-Token": TOKEN},
                )
                assert answer.status_code == 201, answer.text
                url: str = answer.json()["url"]
                assert url.startswith(f"{nginx.url}/{place.bucket}/")
                before = [rendered(each) for each in fleet]
                for query in ("?s=50", "?s=60&c=true", "?s=50"):
                    shown = client.get(url + query)
                    assert shown.status_code == 200, shown.text
                    assert pictures.opened(shown.content).width == int(query[3:5])
                    assert shown.headers["Cache-Control"] == "public, max-age=31536000"
                total = sum(before) + 2
                servers.until(lambda total=total: sum(map(rendered, fleet)) == total)  # type: ignore[misc]
                made = [rendered(each) - was for each, was in zip(fleet, before, strict=True)]
                assert sorted(made) == [0, 2]


def rendered(process: servers.Process) -> int:
    """How many renditions an instance has made for visitors."""
    lines = process.lines("access")
    return sum(line.get("cache") == "MISS" for line in lines)
