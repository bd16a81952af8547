"""Charts as SVG, in the colours of docs/charts, with the standard library alone."""

import math
from collections.abc import Mapping, Sequence
from html import escape

COLOURS = ("#0b6e4f", "#c8553d", "#588b8b", "#8d99ae", "#f2c14e", "#5f4b8b", "#222222")
WIDTH, HEIGHT = 864, 403
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 44, 52

Points = Sequence[tuple[float, float]]


def curves(
    title: str,
    axes: tuple[str, str],
    series: Mapping[str, Points],
    *,
    log_x: bool = False,
    ticks: Sequence[tuple[float, str]] = (),
    dots: bool = True,
) -> str:
    """Points joined by lines; `ticks` of the x axis are (where, what it says)."""
    xs = [x for points in series.values() for x, _ in points] + [x for x, _ in ticks]
    top, step = _top(max(y for points in series.values() for _, y in points))
    scale = math.log10 if log_x else float
    low, high = scale(min(xs)), scale(max(xs))

    def x_at(x: float) -> float:
        return LEFT + (scale(x) - low) / ((high - low) or 1) * (WIDTH - LEFT - RIGHT)

    def y_at(y: float) -> float:
        return HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM)

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="11">'
        ),
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(LEFT, 20, title, size=14, anchor="start"),
    ]
    for number in range(round(top / step) + 1):
        y = number * step
        parts.append(_line(LEFT, y_at(y), WIDTH - RIGHT, y_at(y), "#e6e6e6"))
        parts.append(_text(LEFT - 6, y_at(y) + 4, f"{y:,.6g}", anchor="end"))
    for x, label in ticks or [(x, f"{x:g}") for x in sorted(set(xs))]:
        parts.append(_line(x_at(x), HEIGHT - BOTTOM, x_at(x), HEIGHT - BOTTOM + 4, "#222222"))
        parts.append(_text(x_at(x), HEIGHT - BOTTOM + 17, label))
    parts.append(_line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "#222222"))
    parts.append(_line(LEFT, TOP, LEFT, HEIGHT - BOTTOM, "#222222"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, axes[0]))
    parts.append(_text(LEFT, 38, axes[1], anchor="start"))
    for place, points in enumerate(series.values()):
        colour = COLOURS[place % len(COLOURS)]
        path = " ".join(f"{x_at(x):.1f},{y_at(y):.1f}" for x, y in points)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
        )
        if dots:
            parts += [
                f'<circle cx="{x_at(x):.1f}" cy="{y_at(y):.1f}" r="3" fill="{colour}"/>'
                for x, y in points
            ]
    right = WIDTH - RIGHT
    for place, name in enumerate(reversed(series)):
        colour = COLOURS[(len(series) - 1 - place) % len(COLOURS)]
        parts.append(_text(right, 38, name, anchor="end"))
        right -= 5.8 * len(name) + 8
        parts.append(f'<rect x="{right - 8:.1f}" y="29" width="10" height="10" fill="{colour}"/>')
        right -= 20
    return "\n".join([*parts, "</svg>", ""])


def _top(highest: float) -> tuple[float, float]:
    """A round number of at least `highest`, and the distance of the lines below it."""
    power = 10 ** math.floor(math.log10(highest or 1))
    step = next(each * power / 5 for each in (1, 2, 2.5, 5, 10) if highest <= each * power)
    return math.ceil(highest / step - 1e-9) * step, step


def _line(x: float, y: float, to_x: float, to_y: float, colour: str) -> str:
    return f'<path d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}" stroke="{colour}"/>'


def _text(x: float, y: float, text: str, *, size: int = 11, anchor: str = "middle") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )
