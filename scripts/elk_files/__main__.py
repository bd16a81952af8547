"""Writes them: `scripts/elk`."""

from scripts.elk_files import written
from scripts.elk_files.fields import FOLDER

for name, text in written.files().items():
    (FOLDER / name).write_text(text)
    print(f"deploy/elk/{name}")
