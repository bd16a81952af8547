"""A run by hand, as long as may be: `cd tests && python -m web.contract --max-examples 200`."""

import sys
import tempfile
from pathlib import Path

from web import contract

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        ran, answered = contract.run(Path(folder), *sys.argv[1:])
    sys.stdout.write(ran.stdout + ran.stderr)
    for (method, route), statuses in sorted(answered.items()):
        told = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
        sys.stdout.write(f"{method:8}{route:12}{told}\n")
    sys.exit(ran.returncode)
