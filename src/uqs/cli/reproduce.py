"""`uqs reproduce`: published, reproduced and corrected figures side by side."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from scipy.stats import binomtest

from uqs.cli.score import plain_console
from uqs.reproduction.differences import Difference, corrected_values, differences
from uqs.reproduction.reproduce import Reproduction
from uqs.reproduction.reproduce import reproduce as compute
from uqs.score.export import tree as score_tree
from uqs.score.figures import Recovered

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


def reproduce(
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compute every figure of the published study from its rows, as published and as corrected."""
    found = compute(np.random.default_rng(0))
    if json:
        print(jsonlib.dumps(tree(found), indent=2, allow_nan=False))
    else:
        show(found, plain_console())


def tree(found: Reproduction) -> Tree:
    """`published` holds the reproduced values, `printed` the printed text, `corrected` also the audit."""
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


def show(found: Reproduction, console: Console) -> None:
    """Tables of figures, a line for each difference, then what hangs on row order, benchmark and weights."""
    lines = differences(found)
    failed = found.disagreements()
    console.print(
        f"{len(lines) - len(failed)} of {len(lines)} printed figures come out of the published rows."
    )
    for figure in failed:
        console.print(f"NOT as printed: {figure}")
    for group, title in TITLES.items():
        console.print()
        inside = [one for one in lines if one.group == group]
        console.print(_figures(title, inside))
        for line in _reasons(inside):
            console.print(f"- {line}")
    console.print()
    console.print(_left_out(found))
    console.print()
    for line in _cited(found):
        console.print(f"- {line}")
    console.print("\nThe audit of the same rows")
    for verdict in found.audit.verdicts:
        console.print(f"- {verdict}")


def _figures(title: str, lines: list[Difference]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("figure")
    for name in ("published", "reproduced", "corrected"):
        table.add_column(name, justify="right")
    for one in lines:
        corrected = "-" if one.corrected is None else f"{one.corrected:.4f}"
        table.add_row(one.key, one.printed.text, _digits(one), corrected)
    return table


def _digits(one: Difference) -> str:
    """The reproduced value to a digit more than was printed, six decimals at least."""
    decimals = max(6, len(one.printed.text.partition(".")[2]) + 1)
    return f"{one.reproduced:.{min(decimals, 10)}f}"


def _reasons(lines: list[Difference]) -> Iterable[str]:
    """One line a difference; figures with one reason share a line."""
    keys: dict[str, list[str]] = {}
    for one in lines:
        keys.setdefault(one.why, []).append(one.key)
    for why, named in keys.items():
        yield f"{'all' if len(named) == len(lines) > 2 else ', '.join(named)}: {why}."


def _left_out(found: Reproduction) -> Table:
    table = Table(
        title="The published weights rule with one benchmark left out", title_justify="left"
    )
    table.add_column("without")
    without = found.fragility.weights_without
    for metric in next(iter(without.values())):
        table.add_column(metric, justify="right")
    for benchmark, weights in without.items():
        table.add_row(benchmark, *(f"{value:.3f}" for value in weights.values()))
    return table


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
    total = Recovered(
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
