"""The page about coming from Live Image Resize: its transcript, and its table of differences."""

import re
from pathlib import Path

import pytest
from iaas.test_export import rows, served
from storage import s3worlds, worlds

from docs import guides, moving, transcripts

IAAS = "docs/coming-from-live-image-resize.md"
VIP = "docs/coming-from-vip.md"


def plain(text: str) -> str:
    """`text` without what is another each time, and however wide its columns are."""
    return re.sub(r" +", " ", transcripts.steady(text))


@pytest.mark.long
@worlds.needs_postgresql
@s3worlds.needs_moto
def test_the_whole_move_and_back_goes_as_it_is_shown(tmp_path: Path) -> None:
    """From the installation to the old service that has what came since."""
    commands = list(transcripts.commands(guides.page(IAAS)))
    with moving.machine(tmp_path / "machine") as machine:
        ran = moving.run(machine, guides.page(IAAS))
        for command, after in zip(commands, [*commands[1:], None], strict=True):
            same, printed, status = next(ran)
            assert same == command
            assert plain(printed) == plain(command.output), command.text
            shown = after is not None and after.text == "echo $?"
            assert status == 0 or shown, command.text
        ran.close()
        old = machine.old
        assert (old.folder / "since").is_file()
        link = served(old, "since", 100, 100)
        assert link is not None
        assert link.startswith(f"{machine.bucket}/since/")
        used = rows(old, "SELECT image_id FROM tokens WHERE used=1")
        assert {row.image_id for row in used} == {"cat0", "cat1", "cat2", "scan", "since"}
        units = machine.units
    assert [unit for unit in units if "iaas" in unit] == ["stop iaas", "start iaas"]


@pytest.mark.parametrize(
    ("page", "heading", "letter", "last"),
    [(IAAS, "## What differs", "U", 33), (VIP, "## What differs, and why", "V", 13)],
)
def test_every_difference_is_listed_with_its_reason(
    page: str, heading: str, letter: str, last: int
) -> None:
    """None may be forgotten, and what is the same needs no reason."""
    text = guides.page(page).split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
    found = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in text.splitlines()
        if re.match(rf"\| {letter}\d+ \|", line)
    ]
    numbers = {int(row[0].strip().removeprefix(letter)) for row in found}
    assert numbers == set(range(1, max(numbers) + 1))
    assert max(numbers) >= last, "those that were found before any comparison was kept"
    for number, request, _, here, reason in found:
        assert request, number
        assert reason.strip(" |") or here.startswith("same"), number
