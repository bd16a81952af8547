"""How Hypothesis runs here: the same examples every time, however busy the machine."""

import hypothesis
import pytest

hypothesis.settings.register_profile("steady", derandomize=True, deadline=None)


def pytest_configure(config: pytest.Config) -> None:
    """Take the steady profile; `--hypothesis-profile=default` looks for new examples."""
    if not config.getoption("--hypothesis-profile"):
        hypothesis.settings.load_profile("steady")
