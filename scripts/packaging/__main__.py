"""Make packages; see scripts/packages."""

import argparse
from collections.abc import Callable, Mapping

from . import bundle, debian, licences, requirements, sbom, wheel

MADE: Mapping[str, Callable[[], object]] = {
    "wheel": wheel.make,
    "deb": debian.make,
    "bundle": bundle.make,
    "sbom": sbom.make,
}
"""What is made in dist/, in this order."""

WRITTEN: Mapping[str, Callable[[], object]] = {
    "requirements": requirements.write,
    "licences": licences.write,
}
"""What is written into the project."""


def main() -> None:
    """Make what is asked for, or all that is made in dist/."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", choices=[[], *MADE, *WRITTEN])
    asked = parser.parse_args().what or list(MADE)
    for name, make in {**WRITTEN, **MADE}.items():
        if name in asked:
            print(f"{name}: {make()}")


if __name__ == "__main__":
    main()
