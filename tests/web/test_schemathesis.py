"""The contract, as a program reads it that knows nothing else of us."""

from pathlib import Path

import pytest

from . import contract


@pytest.mark.long
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """Every operation is asked for good and bad, by another reader of the document."""
    ran, answered = contract.run(
        tmp_path, "--seed", "1", "--max-examples", "5", "--generation-deterministic"
    )
    assert ran.returncode == 0, ran.stdout
    seen = {status for statuses in answered.values() for status in statuses}
    assert seen >= {200, 201, 202, 204, 206, 303, 304, 307, 400, 401, 403, 404, 405, 415}
