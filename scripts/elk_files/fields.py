"""The list of every field that a line of the log may have: deploy/elk/fields.tsv."""

import csv
from dataclasses import dataclass
from pathlib import Path

from liveresize.observe.log import render

FOLDER = Path(__file__).parents[2] / "deploy" / "elk"

FORMATS = ("logstash", "ecs")
"""Values of `log.format` that machines read."""

NANOSECONDS = "event.duration"
"""What Elastic calls `duration_ms`, in whole nanoseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: its name, the type of it (or of each element, if there are `many`), whether
    `every` line has it, whether every line of an `access` has, and what it means."""

    name: str
    type: str
    many: bool
    every: bool
    access: bool
    meaning: str


def read(form: str = "logstash") -> list[Field]:
    """All of them, in the names of that format."""
    with (FOLDER / "fields.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    found = [
        Field(
            name=row["field"],
            type=row["type"].removesuffix("[]"),
            many=row["type"].endswith("[]"),
            every=row["in"] == "every",
            access=row["in"] in ("every", "access"),
            meaning=row["meaning"],
        )
        for row in rows
    ]
    return found if form == "logstash" else _elastic(found)


def _elastic(fields: list[Field]) -> list[Field]:
    """The same under Elastic's names, with what only that format has."""
    version = Field(
        name="ecs.version",
        type="keyword",
        many=False,
        every=True,
        access=True,
        meaning="version of Elastic's names",
    )
    named = [version]
    for field in fields:
        name = render.ecs_name(field.name)
        if name:
            kind = "long" if name == NANOSECONDS else field.type
            named.append(
                Field(
                    name=name,
                    type=kind,
                    many=field.many,
                    every=field.every,
                    access=field.access,
                    meaning=field.meaning,
                )
            )
    return named
