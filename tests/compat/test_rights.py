"""What goes out of rights: as configured, in what was stored, and never by vip's API."""

from pathlib import Path

import pytest
from imaging import rights_files, samples, uploads
from web import servers

from liveresize.imaging import cleaning


def told(data: bytes) -> bool:
    """Whether a JPEG says any rights."""
    return bool(cleaning.rights_in("jpeg", memoryview(data)))


@pytest.mark.parametrize("metadata", ["none", "rights"])
def test_rights_go_out_as_configured(tmp_path: Path, metadata: str) -> None:
    """Stored originals have them, renditions if so configured, and pictures of vip do not."""
    own = cleaning.rights_in("jpeg", memoryview(rights_files.jpeg()))
    plain = uploads.saved(samples.scene((400, 300)), "JPEG", exif=uploads.exif())
    data = b"".join(cleaning.cleaned("jpeg", memoryview(plain), 1, own))
    with servers.Running(
        tmp_path, renditions__metadata=metadata, vip__buckets=["pics"], vip__token="t"
    ) as running:
        client = running.client
        client.put_in("cat", data)
        assert client.get("/cat.jpg").content == data
        assert told(client.get("/cat_300_0.jpg").content) is (metadata == "rights")
        assert not told(client.get("/cat_200_200.jpg").content)
        answer = client.post("/upload/pics", content=data, headers={"X-Vip-Token": "t"})
        path = "/pics/" + answer.json()["url"].rpartition("/")[2]
        for query in ("", "?s=300"):
            answer = client.get(path + query)
            assert answer.status_code == 200
            assert not told(answer.content)
