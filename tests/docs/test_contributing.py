"""What is written for those who change the project names what there is."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from docs import guides

FORMS = sorted((guides.ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))


def test_every_path_that_is_named_exists() -> None:
    """Folders of the table, scripts of the commands, and pages of the links."""
    text = guides.page("CONTRIBUTING.md")
    named = {path for row in guides.rows("CONTRIBUTING.md", "## What is where") for path in row[:1]}
    folders = {each for cell in named for each in guides.code(cell)}
    assert len(folders) > 10
    for folder in folders:
        whole = folder if (guides.ROOT / folder.split("/")[0]).exists() else f"liveresize/{folder}"
        assert list(guides.ROOT.glob(f"{whole}*")), folder
    for path in re.findall(r"\]\(([\w./-]+\.md)\)", text):
        assert (guides.ROOT / path).exists(), path
    for script in set(re.findall(r"\bscripts/\w+", text)):
        assert (guides.ROOT / script).stat().st_mode & 0o100, script


def test_the_hooks_download_nothing() -> None:
    """All of them are of this project, with tools that `scripts/check` installs."""
    configuration = yaml.safe_load(guides.page(".pre-commit-config.yaml"))
    project = tomllib.loads(guides.page("pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    tools = {re.split(r"[^\w-]", each)[0] for each in (*extras["dev"], *extras["test"])}
    for repository in configuration["repos"]:
        assert repository["repo"] == "local"
        for hook in repository["hooks"]:
            assert hook["language"] in ("system", "pygrep")
            tool = re.match(r"\.venv/bin/(\w+)( -m (\w+))?", hook["entry"])
            if tool:
                assert (tool[3] or tool[1]) in tools


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_a_form_is_one_that_the_code_host_reads(form: Path) -> None:
    """It has a name, a description, and fields with ids of their own, one of them required."""
    read = yaml.safe_load(form.read_text())
    assert read["name"]
    assert read["description"]
    fields = [field for field in read["body"] if field["type"] != "markdown"]
    ids = [field["id"] for field in fields]
    assert len(ids) == len(set(ids))
    assert all(field["attributes"]["label"] for field in fields)
    assert any(field.get("validations", {}).get("required") for field in fields)
