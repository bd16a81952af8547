"""Reading /_metrics as Prometheus does."""

from dataclasses import dataclass, field
from typing import Self

import httpx
from prometheus_client.parser import text_string_to_metric_families

Series = tuple[str, tuple[tuple[str, str], ...]]
"""The name of a sample, and its labels in the order of their names."""


def series(name: str, **labels: str) -> Series:
    """What one sample goes by; `liveresize_` is put in front of its name."""
    return f"liveresize_{name}", tuple(sorted(labels.items()))


@dataclass(frozen=True, slots=True)
class Reading:
    """One scrape: every sample, and the kind of every family by its name."""

    samples: dict[Series, float] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, client: httpx.Client) -> Self:
        """Scrape the server of that client."""
        answer = client.get("/_metrics")
        assert answer.status_code == 200, answer.text
        families = list(text_string_to_metric_families(answer.text))
        samples = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }
        assert len(samples) == sum(len(family.samples) for family in families)
        return cls(samples, {family.name: family.type for family in families})

    def __getitem__(self, wanted: Series) -> float:
        return self.samples.get(wanted, 0.0)

    def since(self, before: "Reading", *names: str) -> dict[Series, float]:
        """By how much the samples of these names have moved; those that have not are left
        out."""
        wanted = {f"liveresize_{name}" for name in names}
        moved = {
            each: value - before[each] for each, value in self.samples.items() if each[0] in wanted
        }
        return {each: by for each, by in moved.items() if by}

    @property
    def names(self) -> set[str]:
        """The names that samples of these families may have."""
        ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
        return {name + end for name, kind in self.kinds.items() for end in ends.get(kind, ("",))}
