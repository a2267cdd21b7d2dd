"""Published, reproduced and corrected figures side by side: as text and as plain values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from rich.console import Console
from scipy.stats import binomtest

from uqs.report.terminal import Sheet, write_lines, write_sheets
from uqs.reproduction.differences import Difference, corrected_values, differences
from uqs.reproduction.reproduce import Reproduction
from uqs.score.export import tree as score_tree
from uqs.score.figures import RecoveryCount

TITLES = {
    "tau": "Agreement of metrics: tau",
    "tau_p": "p of tau",
    "modality": "Mean pairwise tau",
    "rho": "Reliability: rho with nearness to the oracle",
    "rho_p": "p of rho",
    "weights": "Weights",
    "uqs": "UQS",
    "uqs_exp": "UQS with exp(-AD/100)",
    "stability": "Stability: tau under random weights",
    "stability_exp": "Stability with exp(-AD/100)",
}
Tree = dict[str, Any]


def show(found: Reproduction, console: Console) -> None:
    """Tables, a line per difference, then what depends on row order, benchmark and weights."""
    lines = differences(found)
    failed = found.disagreements()
    console.print(
        f"{len(lines) - len(failed)} of {len(lines)} printed figures come out of the published rows."
    )
    for figure in failed:
        console.print(f"NOT as printed: {figure}")
    for group, title in TITLES.items():
        inside = [one for one in lines if one.group == group]
        write_sheets(console, [_figures(title, inside)])
        write_lines(console, _reasons(inside))
    write_sheets(console, [_left_out(found)])
    console.print()
    write_lines(console, _cited(found))
    console.print("\nThe audit of the same rows")
    write_lines(console, found.audit.verdicts)


def _figures(title: str, lines: list[Difference]) -> Sheet:
    return Sheet(
        title,
        ("figure", "published", "reproduced", "corrected"),
        [
            (
                one.key,
                one.printed.text,
                _digits(one),
                "-" if one.corrected is None else f"{one.corrected:.4f}",
            )
            for one in lines
        ],
    )


def _digits(one: Difference) -> str:
    """The reproduced value with one digit more than printed, at least six decimals."""
    decimals = max(6, len(one.printed.text.partition(".")[2]) + 1)
    return f"{one.reproduced:.{min(decimals, 10)}f}"


def _reasons(lines: list[Difference]) -> Iterable[str]:
    """One line per difference; figures with the same reason share a line."""
    keys: dict[str, list[str]] = {}
    for one in lines:
        keys.setdefault(one.why, []).append(one.key)
    for why, named in keys.items():
        yield f"{'all' if len(named) == len(lines) > 2 else ', '.join(named)}: {why}."


def _left_out(found: Reproduction) -> Sheet:
    without = found.fragility.weights_without
    return Sheet(
        "The published weights rule with one benchmark left out",
        ("without", *next(iter(without.values()))),
        [
            (benchmark, *(f"{value:.3f}" for value in weights.values()))
            for benchmark, weights in without.items()
        ],
    )


def _cited(found: Reproduction) -> Iterable[str]:
    for form, shares in found.fragility.first_share.items():
        named = ", ".join(
            f"{method} {share:.0%}"
            for method, share in sorted(shares.items(), key=lambda item: -item[1])
        )
        yield f"First under uniform random weights ({form} form of the AD term): {named}."
    for pair, tau in found.blip2_tau.items():
        value = "undefined, one of the metrics is tied" if tau is None else f"{tau:+.0f}"
        yield f"BLIP-2 (published means of two methods): tau({pair}) is {value}; two methods allow no more."
    counts = found.figures.recoverability
    total = RecoveryCount(
        sum(one.recovered for one in counts.values()),
        sum(one.suppressed for one in counts.values()),
    )
    parts = ", ".join(f"{m} {one.recovered} of {one.suppressed}" for m, one in counts.items())
    interval = binomtest(total.recovered, total.suppressed).proportion_ci(method="wilson")
    yield (
        f"Knowledge recoverability (published counts): {total.recovered} of {total.suppressed} suppressed"
        f" items recovered ({parts}); Wilson 95% interval {interval.low:.2f} to {interval.high:.2f}"
        " if items were independent."
    )


def tree(found: Reproduction) -> Tree:
    """`published`: the reproduced values; `printed`: the printed text; `corrected`: also the audit."""
    fragility = found.fragility
    return {
        "published": {
            **found.reproduced,
            "blip2": {"values": found.figures.blip2, "tau": found.blip2_tau},
            "knowledge_recoverability": {
                method: asdict(counts) for method, counts in found.figures.recoverability.items()
            },
        },
        "printed": {
            group: {key: one.text for key, one in values.items()}
            for group, values in found.figures.printed.items()
        },
        "disagreements": found.disagreements(),
        "corrected": {
            **corrected_values(found),
            **found.audit.to_dict(),
            "score": score_tree(found.score),
        },
        "differences": [
            {
                "figure": f"{one.group}.{one.key}",
                "printed": one.printed.text,
                "reproduced": one.reproduced,
                "corrected": one.corrected,
                "why": one.why,
            }
            for one in differences(found)
        ],
        "row_order": {key: asdict(span) for key, span in fragility.row_order.items()},
        "weights_left_out": fragility.weights_without,
        "first_share": fragility.first_share,
    }
