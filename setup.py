"""For tools that still look for it; everything but a clean build is in pyproject.toml."""

import shutil

from setuptools import setup
from setuptools.command.build_py import build_py


class CleanBuild(build_py):
    """Leaves out what an earlier build has left in build/: modules of another release."""

    def run(self) -> None:
        """Remove the earlier build, and build."""
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


setup(cmdclass={"build_py": CleanBuild})
