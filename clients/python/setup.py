"""Pack the modules of the server that write URLs, and build."""

import sys
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import pack  # noqa: E402 (it is beside this file)

if pack.SERVER.is_dir():  # not in a source distribution, which has them packed
    pack.write()
setup(version=pack.version())
