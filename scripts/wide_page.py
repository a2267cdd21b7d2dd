"""The page of the wide study, from its table.

uqs run studies/wide.yaml
python scripts/wide_page.py runs/wide/results.parquet docs/wide.md docs/wide_audit.txt
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from uqs import results
from uqs.audit.audit import audit_long
from uqs.audit.findings import Audit
from uqs.audit.report_cards import REASONS, ReportCard
from uqs.card_metadata import attach
from uqs.methods.cards import CARDS
from uqs.records import Role, Status
from uqs.results import Row
from uqs.results.tables import of_rows, to_panel
from uqs.score import words
from uqs.score.result import ScoreResult
from uqs.score.scoring import score
from uqs.stats.response import KnownShare
from uqs.text import count

FLOOR = 0.8
"""Of the original's retain accuracy: what a method that protects the retain set must keep."""
WELL_UNDER = 0.75
"""Of the original's forget accuracy: what a method at medium strength must come under."""
CARDS_SAY = """Over retrained models that were taught a known share of the forget entities. *Error*: of
models of a left-out seed, in shares, the largest over benchmarks. *Two apart*: the difference of shares
from which on two models are told apart. *Deceived*: by models that know everything and do not say it.
*Fooled*: by damaged models, which it takes for models that know less. *Pairs told apart*: of two methods
at one strength, over benchmarks and strengths.
"""
MEDIUM_SAYS = f"""FA and RA are forget and retain accuracy on each benchmark, as means over seeds. A
method **does what it exists for** if mean FA is under {WELL_UNDER:.0%} of the original's and, for a loss
that protects the retain set, mean RA is at least {FLOOR:.0%} of the original's. The strengths were found
on other people and flags ([strengths.md](strengths.md)), without looking at any number of this table.
"""
SHARES_SAY = """The known share (0: like an oracle, 1: like the original) that a metric gives a method,
the mean over benchmarks where the metric is usable. `<0` and `>1` lie beyond all references on every
benchmark; `*` marks a mean in which some do, counted as the end of the ladder. A retrained model has
about the same share in every column.
"""
FULL_SAYS = """Of all settings. What the commands print, also of medium strength alone, is in
[wide_audit.txt](wide_audit.txt).
"""
MADE = """This page is made by `scripts/wide_page.py` from the table of the run,
`studies/wide_results.parquet`; `uqs audit` and `uqs score` say the same of it. The models are tiny and
the pictures are drawings: what holds here may not hold for a 7B model."""
STRENGTHS = "weak", "medium", "strong"
SHARES = "FA", "MIA_AUC", "JS", "AD", "PROB", "TR", "KR"
"""The metrics whose known shares are shown side by side."""


def main(table: Path, page: Path, full: Path) -> None:
    rows = results.read(table)
    long = attach(of_rows(rows, table), results.metadata(table), table)
    found = audit_long(long, rng=np.random.default_rng(0))
    one_setting = at_medium(rows)
    scored = scores(one_setting, table)
    text = "\n".join([*begin(long, found, scored), *body(long, found, scored)])
    page.write_text(text + "\n", encoding="utf-8")
    parts = {
        "All settings": printed("audit", rows),
        "Medium strength": printed("audit", one_setting),
        "Score, medium strength": printed("score", one_setting, "--full"),
        "Score, medium strength, weights from references": printed(
            "score", one_setting, "--weights", "references", "--full"
        ),
    }
    full.write_text("\n\n\n".join(f"{k}\n\n{v}" for k, v in parts.items()) + "\n", encoding="utf-8")


def begin(long: pd.DataFrame, found: Audit, scored: Sequence[ScoreResult]) -> Iterator[str]:
    """What the study shows, in sentences that the audit and the score write."""
    own = long[long["role"] == Role.UNLEARNED]
    models = own.drop_duplicates(["benchmark", "method", "strength", "seed"])
    yield "# The wide study: which metrics can be trusted, tested on many methods\n"
    yield from (f"- {said}" for said in (*found.in_short, *what_a_score_is_worth(scored)))
    yield (
        f"\n`studies/wide.yaml` has {count(own['method'].nunique(), 'method')} at three strengths on "
        f"{count(long['benchmark'].nunique(), 'benchmark')} with {count(own['seed'].nunique(), 'seed')}: "
        f"{len(models)} unlearned models. Beside them stand models whose knowledge is known: "
        f"{references(long)}. {MADE}"
    )


def references(long: pd.DataFrame) -> str:
    """The models of known truth, by kind."""
    said = []
    for role, name in (
        (Role.ORACLE, "oracle"),
        (Role.REFERENCE, "reference"),
        (Role.ORIGINAL, "original"),
        (Role.SUPPRESSED, "suppressed model"),
        (Role.DAMAGED, "damaged model"),
    ):
        own = long[long["role"] == role]
        number = len(own.drop_duplicates(["benchmark", "method", "strength", "share", "seed"]))
        if number:
            said.append(count(number, name))
    return ", ".join(said)


def what_a_score_is_worth(scored: Sequence[ScoreResult]) -> Iterator[str]:
    """How sure the order by UQS is, and what it predicts."""
    for one in scored:
        last = max(method.tie_group for method in one.methods)
        yield (
            f"UQS {words.form(one)} with {one.weights.source} weights puts {len(one.methods)} methods at "
            f"medium strength into {count(last, 'group')} that the noise allows. {words.headline(one)}"
        )
    for one in scored:
        yield from words.recovery(one)


def body(long: pd.DataFrame, found: Audit, scored: Sequence[ScoreResult]) -> Iterator[str]:
    yield "\n## Which metric follows the truth\n"
    yield CARDS_SAY
    yield from cards(found)
    yield "\n## Each method at medium strength\n"
    yield MEDIUM_SAYS
    yield from medium(long)
    own = long[
        (long["role"] == Role.UNLEARNED) & (long["metric"] == "FA") & (long["split"] == "forget")
    ]
    collapsed = int((own["status"] == Status.COLLAPSED).sum())
    yield f"\n{collapsed} of {len(own)} unlearned models collapsed."
    yield "\n## How much the methods at medium strength still know, by each metric\n"
    yield SHARES_SAY
    yield from known(found)
    yield "\n## All strengths\n\nMeans over benchmarks and seeds.\n"
    yield from strengths(long)
    yield "\n## All verdicts\n"
    yield FULL_SAYS
    yield from (f"- {said}" for said in found.verdicts)
    yield "\n## The score at medium strength\n"
    yield line(["method", *(title(one) for one in scored)])
    yield "|---|" + "---:|" * len(scored)
    places = [{method.method: method for method in one.methods} for one in scored]
    for name in (method.method for method in scored[0].methods):
        yield line(
            [
                name,
                *(
                    f"{one[name].uqs:.3f} (group {one[name].tie_group}, ranks "
                    f"{one[name].rank_interval[0]} to {one[name].rank_interval[1]})"
                    for one in places
                ),
            ]
        )
    yield ""
    for one in scored:
        yield f"- {title(one)}: " + " ".join(one.notes)


def title(one: ScoreResult) -> str:
    return f"{one.form} form, {one.weights.source} weights"


def cards(found: Audit) -> Iterator[str]:
    """A line per headline metric, the usable ones first."""
    yield line(
        [
            "metric",
            "usable on",
            "error",
            "two apart",
            "rho",
            "deceived on",
            "fooled on",
            "pairs told apart",
        ]
    )
    yield "|---|" + "---:|" * 7
    groups: dict[str, list[ReportCard]] = {}
    for card in found.report_cards:
        if card.headline:
            groups.setdefault(card.metric, []).append(card)
    told = pairs(found)

    def order(item: tuple[str, list[ReportCard]]) -> tuple[int, float]:
        usable = [card for card in item[1] if card.usable]
        return -len(usable), max((card.error or 0.0 for card in usable), default=1.0)

    for metric, own in sorted(groups.items(), key=order):
        usable = [card for card in own if card.usable]
        asked = [card for card in usable if card.suppressed]
        harmed = [card for card in usable if card.damaged]
        reasons = sorted({REASONS[card.why] for card in own if not card.usable})
        on = f"{len(usable)} of {len(own)}" + (f" ({'; '.join(reasons)})" if reasons else "")
        rho = min((abs(card.rho) for card in own if card.rho is not None), default=None)
        yield line(
            [
                metric,
                on,
                largest([card.error for card in usable]),
                largest([card.gap for card in usable]),
                "" if rho is None else f"{rho:.2f}",
                f"{sum(bool(card.blind) for card in asked)} of {len(asked)}" if asked else "",
                f"{sum(bool(card.fooled) for card in harmed)} of {len(harmed)}" if harmed else "",
                f"{told[metric]:.0%}" if metric in told else "",
            ]
        )


def largest(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{max(known):.2f}" if known else ""


def pairs(found: Audit) -> dict[str, float]:
    """The share of pairs of methods at one strength that a metric tells apart."""
    total: dict[str, list[int]] = {}
    for one in found.resolution:
        if one.found is not None:
            size = len(one.methods)
            own = total.setdefault(one.metric, [0, 0])
            own[0] += len(one.separated)
            own[1] += size * (size - 1) // 2
    return {metric: told / of for metric, (told, of) in total.items() if of}


def known(found: Audit) -> Iterator[str]:
    """Known shares of all methods at medium strength."""
    usable = {card.metric for card in found.report_cards if card.headline and card.usable}
    shown = [metric for metric in SHARES if metric in usable]
    yield line(["method", *shown])
    yield "|---|" + "---:|" * len(shown)
    for card in CARDS.values():
        if card.name not in {
            one.method for one in found.known_shares if one.role == Role.UNLEARNED
        }:
            continue
        cells = []
        for metric in shown:
            own = [
                one
                for one in found.known_shares
                if one.headline
                and one.metric == metric
                and one.seed is None
                and (one.method, one.strength) == (card.name, "medium")
            ]
            sides = {one.share.off for one in own}
            if sides in ({"below"}, {"above"}):
                cells.append("<0" if sides == {"below"} else ">1")
            else:
                mean = np.mean([_on_the_ladder(one.share) for one in own])
                cells.append(f"{mean:.2f}" + ("*" if sides != {""} else ""))
        yield line([card.name, *cells])


def _on_the_ladder(share: KnownShare) -> float:
    """The estimate, or the end of the ladder beyond which the value lies."""
    if share.estimate is None:
        return 0.0 if share.off == "below" else 1.0
    return share.estimate


def means(long: pd.DataFrame) -> pd.DataFrame:
    """Mean FA and RA by role, method, strength, metric and benchmark; models without a value are left out."""
    kept = long[long["metric"].isin(["FA", "RA"]) & long["split"].isin(["forget", "retain"])]
    found: pd.DataFrame = (
        kept.groupby(["role", "method", "strength", "metric", "benchmark"])["value"]
        .mean()
        .unstack("benchmark")
    )
    return found


def medium(long: pd.DataFrame) -> Iterator[str]:
    """The table of all methods at medium strength, with the original, the oracles and the baselines."""
    table = means(long)
    names = list(table.columns)
    yield line(
        [
            "method",
            "protects",
            *(f"{metric} {name}" for metric in ("FA", "RA") for name in names),
            "mean FA",
            "mean RA",
            "does what it exists for",
        ]
    )
    yield "|" + "---|" * (2 * len(names) + 5)
    original = {m: table.loc[("original", "original", "", m)].mean() for m in ("FA", "RA")}
    yield line(cells(table, "original", "original", "", "*original*", "", ""))
    yield line(cells(table, "oracle", "retrain", "", "*oracle*", "", ""))
    for card in CARDS.values():
        if ("unlearned", card.name, "medium", "FA") in table.index:
            fa, ra = (
                float(table.loc[("unlearned", card.name, "medium", m)].mean()) for m in ("FA", "RA")
            )
            faults = [] if fa < WELL_UNDER * original["FA"] else ["forgets too little"]
            if card.protects and ra < FLOOR * original["RA"]:
                faults.append("loses retain")
            says = f"no: {', '.join(faults)}" if faults else "yes"
            protects = "yes" if card.protects else "no"
            yield line(cells(table, "unlearned", card.name, "medium", card.name, protects, says))
        elif card.baseline and ("baseline", card.name, "", "FA") in table.index:
            yield line(cells(table, "baseline", card.name, "", f"{card.name} (baseline)", "", ""))


def cells(
    table: pd.DataFrame, role: str, method: str, strength: str, title: str, protects: str, says: str
) -> list[str]:
    """One line of the table."""
    parts = [table.loc[(role, method, strength, metric)] for metric in ("FA", "RA")]
    values = [f"{v:.2f}" for part in parts for v in part]
    return [title, protects, *values, *(f"{part.mean():.2f}" for part in parts), says]


def strengths(long: pd.DataFrame) -> Iterator[str]:
    """Mean FA and RA of every method at each strength."""
    table = means(long).mean(axis=1)
    yield line(["method", *(f"{metric} {name}" for name in STRENGTHS for metric in ("FA", "RA"))])
    yield "|---|" + "---:|" * 6
    for card in CARDS.values():
        places = [("unlearned", card.name, name, m) for name in STRENGTHS for m in ("FA", "RA")]
        if any(place in table.index for place in places):
            yield line(
                [card.name, *(f"{table[p]:.2f}" if p in table.index else "" for p in places)]
            )


def line(found: Sequence[str]) -> str:
    return f"| {' | '.join(found)} |"


def at_medium(rows: Sequence[Row]) -> list[Row]:
    """All rows but those of the methods at other strengths, and of the baselines."""
    return [
        row
        for row in rows
        if row.role != Role.BASELINE and (row.role != Role.UNLEARNED or row.strength == "medium")
    ]


def scores(rows: Sequence[Row], table: Path) -> tuple[ScoreResult, ...]:
    """The score of one setting per method, with equal weights and with those that references teach."""
    long = attach(
        of_rows([replace(row, strength="") for row in rows], table), results.metadata(table), table
    )
    panel = to_panel(long, table)
    return tuple(
        score(panel, weights, long=long, rng=np.random.default_rng(0))
        for weights in ("equal", "references")
    )


def printed(verb: str, rows: Sequence[Row], *options: str) -> str:
    """What `uqs audit` or `uqs score` prints of some rows."""
    with TemporaryDirectory() as folder:
        results.write(rows, Path(folder) / "rows.parquet")
        done = subprocess.run(
            [str(Path(sys.executable).with_name("uqs")), verb, "rows.parquet", *options],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
            env={"COLUMNS": "110", "PATH": "", "TERM": "dumb", "OMP_NUM_THREADS": "1"},
        )
    return "\n".join(text.rstrip() for text in done.stdout.strip().splitlines())


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
