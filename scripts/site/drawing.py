"""Boxes and arrows as SVG: readable in light and dark, and by those who hear the page.

Lengths are in units of the drawing, one CSS pixel where it is shown at its own size. `x` and
`y` are of the left upper corner.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

STYLE = """
text { fill: #1f2933; font: 14px system-ui, -apple-system, "Segoe UI", sans-serif; }
.title { font-weight: 600; }
.note, .label, .lane-title { fill: #52606d; font-size: 12px; }
.middle { text-anchor: middle; }
.end { text-anchor: end; }
.paper { fill: #ffffff; }
.lane { fill: #f5f7fa; stroke: #cbd2d9; }
.step { fill: #ffffff; stroke: #7b8794; }
.answer { fill: #e3f5ec; stroke: #2f855a; }
.refusal { fill: #fde8e8; stroke: #c53030; }
.worker { fill: #fdf0d5; stroke: #b7791f; }
.store { fill: #e6f0fb; stroke: #2b6cb0; }
.arrow { fill: none; stroke: #52606d; stroke-width: 1.5; marker-end: url(#tip); }
.later { stroke-dasharray: 5 4; }
#tip path { fill: #52606d; }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e7eb; }
  .note, .label, .lane-title { fill: #a7b1bc; }
  .paper { fill: #14181d; }
  .lane { fill: #1c2229; stroke: #3e4c59; }
  .step { fill: #252d36; stroke: #7b8794; }
  .answer { fill: #173a2a; stroke: #48bb78; }
  .refusal { fill: #431c1c; stroke: #f56565; }
  .worker { fill: #40310f; stroke: #d69e2e; }
  .store { fill: #15304d; stroke: #4299e1; }
  .arrow { stroke: #a7b1bc; }
  #tip path { fill: #a7b1bc; }
}
"""

LINE = 17
"""From one line of text to the next."""


@dataclass(frozen=True, slots=True)
class Lane:
    """What several boxes lie in: `title` stands in its right upper corner."""

    x: int
    y: int
    width: int
    height: int
    title: str

    def svg(self) -> str:
        """It, as SVG."""
        return (
            _rectangle(self.x, self.y, self.width, self.height, "lane", 10)
            + f'<text class="lane-title end" x="{self.x + self.width - 12}" y="{self.y + 19}">'
            f"{escape(self.title)}</text>\n"
        )


@dataclass(frozen=True, slots=True)
class Box:
    """One thing: what it is called, and lines about it. `kind` is a class of STYLE."""

    x: int
    y: int
    width: int
    height: int
    title: str
    notes: Sequence[str] = ()
    kind: str = "step"

    def svg(self) -> str:
        """It, as SVG, its lines centred."""
        middle = self.x + self.width // 2
        top = self.y + (self.height - LINE * (len(self.notes) + 1)) // 2 + 13
        lines = [_text(middle, top, "title middle", self.title)]
        lines += [
            _text(middle, top + LINE * number, "note middle", note)
            for number, note in enumerate(self.notes, start=1)
        ]
        return _rectangle(self.x, self.y, self.width, self.height, self.kind, 6) + "".join(lines)


@dataclass(frozen=True, slots=True)
class Arrow:
    """A line along `points`, with a tip; `later` is what nobody waits for.

    `label` stands in the middle at `at`.
    """

    points: Sequence[tuple[int, int]]
    label: str = ""
    at: tuple[int, int] = (0, 0)
    later: bool = False

    def svg(self) -> str:
        """It, as SVG."""
        path = " ".join(f"{x},{y}" for x, y in self.points)
        made = f'<polyline class="arrow{" later" if self.later else ""}" points="{path}"/>\n'
        return made + (_text(*self.at, "label middle", self.label) if self.label else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """All of it. `title` and `description` are what is read aloud in its place."""

    size: tuple[int, int]
    title: str
    description: str
    parts: Sequence[Lane | Box | Arrow]

    def svg(self) -> str:
        """The text of the file."""
        width, height = self.size
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" aria-labelledby="title description">\n'
            f'<title id="title">{escape(self.title)}</title>\n'
            f'<desc id="description">{escape(self.description)}</desc>\n'
            f"<style>{STYLE}</style>\n"
            '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" '
            'markerHeight="8" orient="auto-start-reverse"><path d="M0 0 10 5 0 10z"/></marker>'
            "</defs>\n"
            + _rectangle(0, 0, width, height, "paper", 12)
            + "".join(part.svg() for part in self.parts)
            + "</svg>\n"
        )


def _rectangle(x: int, y: int, width: int, height: int, kind: str, radius: int) -> str:
    return (
        f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}"/>\n'
    )


def _text(x: int, y: int, kind: str, text: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{escape(text)}</text>\n'
