"""Small pictures as inline SVG; colours and sizes are the style sheet's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from uqs.report.html import Attributes, Markup, el, join
from uqs.score import MethodScore

SHAPES = 6
COLOURS = 8
WIDTH, HEIGHT = 360.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 12.0, 12.0, 40.0
STRIP = 110.0


@dataclass(frozen=True)
class Axis:
    """Maps values from `low` to `high` to positions from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)


@dataclass(frozen=True)
class Point:
    """A model, or the mean of several, in a scatter picture; `mark` is its number or its role."""

    name: str
    mark: int | str
    words: str
    x: float
    y: float
    x_error: float
    y_error: float
    runs: Sequence[tuple[float, float]]


def scatter(label: str, x_title: str, y_title: str, points: Sequence[Point]) -> Markup:
    """Means with bars of one standard error, and runs as dots; both axes go from 0 to 1."""
    x = Axis(-0.02, 1.02, LEFT, WIDTH - RIGHT)
    y = Axis(-0.02, 1.02, HEIGHT - BOTTOM, TOP)
    body = [_axes(x, y, x_title, y_title), *(_point(one, x, y) for one in points)]
    picture = el(
        "svg",
        {
            "viewBox": f"0 0 {WIDTH:g} {HEIGHT:g}",
            "class": "scatter",
            "role": "img",
            "aria-label": label,
        },
        *body,
    )
    keys = [el("li", {}, _key(one.mark), el("span", {}, one.name)) for one in points]
    return el(
        "figure", {}, el("figcaption", {}, label), picture, el("ul", {"class": "legend"}, *keys)
    )


def _axes(x: Axis, y: Axis, x_title: str, y_title: str) -> Markup:
    parts = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        parts.append(_line(x(tick), TOP, x(tick), HEIGHT - BOTTOM, "grid"))
        parts.append(_line(LEFT, y(tick), WIDTH - RIGHT, y(tick), "grid"))
        parts.append(_label(f"{tick:g}", x(tick), HEIGHT - BOTTOM + 14, "middle"))
        parts.append(_label(f"{tick:g}", LEFT - 6, y(tick) + 4, "end"))
    parts.append(_label(x_title, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "middle"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    turned = {"transform": f"rotate(-90 11 {middle:g})"}
    parts.append(_label(y_title, 11, middle, "middle", turned))
    return join(parts)


def _point(one: Point, x: Axis, y: Axis) -> Markup:
    dots = [
        el("circle", {"cx": f"{x(a):.1f}", "cy": f"{y(b):.1f}", "r": "1.8", "class": "run"})
        for a, b in one.runs
    ]
    place = {"transform": f"translate({x(one.x):.1f} {y(one.y):.1f})"}
    return el(
        "g",
        {"class": _colour(one.mark)},
        el("title", {}, one.words),
        *dots,
        _line(x(one.x - one.x_error), y(one.y), x(one.x + one.x_error), y(one.y), "bar"),
        _line(x(one.x), y(one.y - one.y_error), x(one.x), y(one.y + one.y_error), "bar"),
        el("g", place, _shape(one.mark)),
    )


def _key(mark: int | str) -> Markup:
    """The mark for a legend, without its name."""
    return el(
        "svg",
        {"viewBox": "-8 -8 16 16", "class": f"key {_colour(mark)}", "aria-hidden": "true"},
        _shape(mark),
    )


def _colour(mark: int | str) -> str:
    return f"m{mark % COLOURS}" if isinstance(mark, int) else mark


def _shape(mark: int | str) -> Markup:
    """The mark's shape. Shape and colour change together, so readers need not rely on one of them."""
    if mark == "original":
        return join([_disc(5.5, "hollow"), _disc(1.5, "mark")])
    if mark == "oracle":
        return _path("M-6 0H6M0-6V6M-4.2-4.2L4.2 4.2M-4.2 4.2L4.2-4.2", "stroke")
    if mark == "equal":
        return _disc(4.5, "mark")
    if mark == "published":
        return _path("M0-5.5L5.5 0L0 5.5L-5.5 0Z", "hollow")
    shapes = (
        _disc(5, "mark"),
        _path("M-4.5-4.5H4.5V4.5H-4.5Z", "mark"),
        _path("M0-5.5L5.5 4.5H-5.5Z", "mark"),
        _path("M0-6L6 0L0 6L-6 0Z", "mark"),
        _path("M0 5.5L5.5-4.5H-5.5Z", "mark"),
        _path("M-5-1.7H-1.7V-5H1.7V-1.7H5V1.7H1.7V5H-1.7V1.7H-5Z", "mark"),
    )
    return shapes[int(mark) % SHAPES]


def _disc(radius: float, style: str) -> Markup:
    return el("circle", {"r": f"{radius:g}", "class": style})


def _path(line: str, style: str) -> Markup:
    return el("path", {"d": line, "class": style})


def strip(equal: MethodScore, published: MethodScore, low: float, high: float) -> Markup:
    """UQS with both weightings on one line from `low` to `high`; the bar is one standard error."""
    at = Axis(low, high, 8, STRIP - 8)
    error = equal.se or 0.0
    return el(
        "svg",
        {"viewBox": f"0 0 {STRIP:g} 18", "class": "strip", "aria-hidden": "true"},
        _line(8, 9, STRIP - 8, 9, "grid"),
        _line(at(equal.uqs - error), 9, at(equal.uqs + error), 9, "bar"),
        el("g", {"transform": f"translate({at(equal.uqs):.1f} 9)"}, _shape("equal")),
        el("g", {"transform": f"translate({at(published.uqs):.1f} 9)"}, _shape("published")),
    )


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> Markup:
    places = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return el("line", {**{name: f"{at:.1f}" for name, at in places.items()}, "class": style})


def _label(words: str, x: float, y: float, anchor: str, more: Attributes | None = None) -> Markup:
    place = {"x": f"{x:g}", "y": f"{y:g}", "text-anchor": anchor}
    return el("text", {**place, **(more or {})}, words)
