"""A picture of profiles: known shares as coloured strips, as inline SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from uqs.audit.profiles import Part, Profile
from uqs.audit.share_words import two
from uqs.records import TRAINED
from uqs.report.html import Markup, el, join, note, scrolling
from uqs.report.truth import common, means, metrics_of, model_name
from uqs.text import DASH

ROW, LETTER, LEAST, PAD = 26.0, 7.2, 52.0, 8.0
"""Heights and widths of the picture, in pixels."""
STRONGEST = 0.55
"""The opacity of a known share of 1; text stays legible on it, on light and on dark paper."""


def strips(found: Iterable[Profile]) -> Markup:
    """A figure per benchmark: known shares by metric of all models but those of the ladder.

    Empty without any.
    """
    rows = [one for one in found if one.role not in TRAINED]
    figures = []
    for name in dict.fromkeys(one.benchmark for one in rows):
        own = means([one for one in rows if one.benchmark == name])
        title = f"Known share by metric on {name}"
        caption = el("figcaption", {}, title)
        figures.append(el("figure", {}, caption, scrolling(title, _strip(title, own))))
    if not figures:
        return Markup("")
    return join(
        [
            *figures,
            note(
                "The stronger the colour, the more the model seems to know: 0 retrained without the forget"
                " entities, 1 never unlearned. A retrained model has one colour. Dashed: off the ladder, at"
                " this position in units of its span. all: the share that fits all metrics best, or none if"
                " no one share explains them (5%)."
            ),
        ]
    )


def _strip(label: str, found: Sequence[Profile]) -> Markup:
    metrics = [*metrics_of(found), "all"]
    left = LETTER * max(len(model_name(one)) for one in found) + PAD
    widths = [max(LEAST, LETTER * len(name) + PAD) for name in metrics]
    starts = [left + sum(widths[:at]) for at in range(len(widths))]
    cells = [
        _text(start + width / 2, 0, name)
        for start, width, name in zip(starts, widths, metrics, strict=True)
    ]
    for row, one in enumerate(found, start=1):
        parts = {part.metric: part for part in one.parts}
        cells.append(_text(left - PAD, row, model_name(one), anchor="end"))
        for start, width, name in zip(starts, widths, metrics, strict=True):
            if name == "all":
                share = 0.0 if one.ragged else one.common
                cells.append(_cell(start, width, row, share, common(one)))
            elif name in parts:
                cells.append(_part(start, width, row, parts[name]))
    width, height = starts[-1] + widths[-1], ROW * (len(found) + 1)
    return el(
        "svg",
        {
            "viewBox": f"0 0 {width:g} {height:g}",
            "width": f"{width:g}",
            "height": f"{height:g}",
            "role": "img",
            "aria-label": label,
            "font-size": "12",
        },
        *cells,
    )


def _part(start: float, width: float, row: int, part: Part) -> Markup:
    share = part.share
    if share.estimate is None or share.low is None or share.high is None:
        return _cell(start, width, row, share.position, two(share.position), off=True)
    hint = f"{part.metric} {two(share.estimate)} ({two(share.low)}{DASH}{two(share.high)})"
    return _cell(start, width, row, share.estimate, two(share.estimate), hint)


def _cell(
    start: float,
    width: float,
    row: int,
    share: float,
    words: str,
    hint: str = "",
    *,
    off: bool = False,
) -> Markup:
    strength = STRONGEST * min(max(share, 0.0), 1.0)
    box = el(
        "rect",
        {
            "x": f"{start + 1:g}",
            "y": f"{row * ROW + 1:g}",
            "width": f"{width - 2:g}",
            "height": f"{ROW - 2:g}",
            "fill": "#0072b2",
            "fill-opacity": f"{strength:.2f}",
            "stroke": "#d55e00" if off else None,
            "stroke-dasharray": "4 3" if off else None,
        },
    )
    return el(
        "g", {}, el("title", {}, hint) if hint else None, box, _text(start + width / 2, row, words)
    )


def _text(x: float, row: int, words: str, anchor: str = "middle") -> Markup:
    # the paper's own colour of text, on light and on dark paper
    place = {"x": f"{x:g}", "y": f"{row * ROW + ROW / 2 + 4:g}", "text-anchor": anchor}
    return el("text", {**place, "fill": "currentColor"}, words)
