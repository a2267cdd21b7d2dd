"""Write docs/modality.md: do metrics agree as much when facts are asked by picture as by name?

uqs run studies/modality.yaml
python scripts/modality_page.py slim runs/modality/results.parquet studies/modality_results.parquet
python scripts/modality_page.py page studies/modality_results.parquet > docs/modality.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np

from uqs import results
from uqs.audit.arm_words import arm_sentences
from uqs.audit.arms import Arms, compare_arms
from uqs.card_metadata import attach
from uqs.forms import ASKED, FORMS
from uqs.metrics.catalogue import CARDS, in_order
from uqs.records import Role
from uqs.reproduction.modality import published_arms, published_sentences
from uqs.results import Row
from uqs.results.tables import of_rows
from uqs.score.figures import METRICS
from uqs.text import count, listed, signed

INTRODUCTION = """# Does multimodality make metrics disagree?

Made by `scripts/modality_page.py` from the table of a run of `studies/modality.yaml`,
`studies/modality_results.parquet`. The models are tiny and the pictures are drawings: what holds here may not
hold for a 7B model.

A study that compares models of pictures and text with classifiers changes data, model and task at once. Here
only the question changes. Every fact about a person of `mllmu_bench:tiny` is taught, and asked, in three
forms (`forget_by`, [data.md](data.md)):

- **picture**: the picture alone, the name hidden ("What is the job of this person?");
- **text**: the name alone, no picture ("What is the job of Bernard Fechner?");
- **both**: the name in the question, and the picture.

The original learns all three, the oracles all three of the retained people alone. A method sees the forget
facts *by picture* only, and the retained facts in all forms. Then each model is measured by each form
(`ask_by`, [study_files.md](study_files.md)): the same models, people, facts and answers in three arms. The
distance of weights is one number for a model, and so the same in all arms.
"""
AGREEMENT = """tau-b of two aligned metrics among the means of the methods, and between two arms the
difference with a test that swaps whole methods ([statistics.md](statistics.md#arms)).
"""
WHOLE = "all forms"


def slim(run: Path, out: Path) -> None:
    """The rows that the page needs: headline splits, and the parts of the cross-modal disagreement."""
    rows = results.read(run)
    kept = {symbol: CARDS[symbol].split for symbol in {row.metric for row in rows}}
    results.write([r for r in rows if r.metric == "CMD" or r.split == kept[r.metric]], out)


def page(table: Path) -> str:
    rows = results.read(table)
    long = attach(of_rows(rows, table), results.metadata(table), table)
    core = long[long["metric"].isin(METRICS)]
    core.attrs = dict(long.attrs)
    five, every = (compare_arms(one, "arm", rng=np.random.default_rng(0)) for one in (core, long))
    published = published_arms(np.random.default_rng(0))
    sheets = _by_arm(rows)
    return "\n".join(
        [
            INTRODUCTION,
            _models(rows),
            "",
            *_in_short(sheets, five),
            "\n## What is forgotten by picture, and what by name\n",
            *_forgotten(sheets),
            "\n## Every metric by arm\n",
            *_metric_table(sheets),
            "\n## Agreement of the five published metrics by arm\n",
            AGREEMENT,
            *(f"- {line}" for line in arm_sentences(five)),
            "",
            *_agreement(five),
            "",
            *_differences(five),
            "\n## Agreement of all metrics by arm\n",
            *(f"- {line}" for line in arm_sentences(every)),
            "\n## The published comparison\n",
            *(f"- {line}" for line in published_sentences(published)),
            "",
            *_agreement(published),
        ]
    )


Sheets = dict[tuple[str, str, str, str], dict[str, float]]
"""Means over seeds and oracles by (role, method, metric, split), then by arm."""


def _by_arm(rows: Sequence[Row]) -> Sheets:
    cells: dict[tuple[str, str, str, str], dict[str, list[float]]] = {}
    for row in rows:
        if row.value is not None and not (row.role == Role.ORACLE and row.oracle_seed == row.seed):
            form = row.edition.partition(ASKED)[2] or WHOLE
            key = row.role, row.method, row.metric, row.split
            cells.setdefault(key, {}).setdefault(form, []).append(row.value)
    return {key: {form: fmean(v) for form, v in by.items()} for key, by in cells.items()}


def _models(rows: Sequence[Row]) -> str:
    models = {(row.role, row.method, row.seed) for row in rows}
    methods = {method for role, method, _ in models if role == Role.UNLEARNED}
    seeds = {seed for role, _, seed in models if role == Role.UNLEARNED}
    kinds = [(role, sum(one[0] == role for one in models)) for role in (Role.ORIGINAL, Role.ORACLE)]
    failed = sum(row.status == "gate_failed" for row in rows)
    gates = (
        "All gates passed, of each arm and of all forms together."
        if not failed
        else f"{count(failed, 'value')} of arms whose gates failed have a status instead."
    )
    return (
        f"{count(len(methods), 'method')} at one strength with {count(len(seeds), 'seed')}, from "
        f"{' and '.join(count(number, str(role)) for role, number in kinds)}. {gates}"
    )


def _in_short(sheets: Sheets, found: Arms) -> Iterator[str]:
    methods = [key[1] for key in sheets if key[0] == Role.UNLEARNED and key[2] == "FA"]

    def mean(metric: str, split: str, form: str) -> str:
        return _number(fmean(sheets[Role.UNLEARNED, m, metric, split][form] for m in methods))

    told = [f"{mean('FA', 'forget', form)} by {form}" for form in FORMS]
    alone = mean("CMD", "forget/by_text_alone", WHOLE)
    means = [one for one in found.differences if one.a is None]
    differ = [f"{one.first} and {one.second}" for one in means if found.testable and one.shown]
    pairs = [one for one in found.differences if one.a and found.testable and one.shown]
    yield (
        f"- **Forgotten by picture and still told by name: {alone} of the facts**, the mean over the "
        f"methods. Facts told: {listed(told)}."
    )
    yield (
        "- **The mean agreement of the five published metrics "
        f"{f'differs between {listed(differ)}' if differ else 'is not shown to differ between arms'}.** Of "
        f"{sum(one.a is not None for one in found.differences)} comparisons of a pair of metrics in two "
        f"arms {len(pairs)} {'shows' if len(pairs) == 1 else 'show'} a difference."
    )


def _forgotten(sheets: Sheets) -> Iterator[str]:
    yield (
        "Forget accuracy (FA) by form, means over seeds. *One form only*: the share of facts that are told "
        "by picture alone or by name alone but not in both ways (CMD); of these *by name*: forgotten by "
        "picture and still told by name.\n"
    )
    yield _line(
        ["model", *(f"FA {form}" for form in FORMS), "one form only", "by name", "by picture"]
    )
    yield "|---|" + "---:|" * 6
    models = sorted({key[:2] for key in sheets}, key=lambda one: (one[0] == Role.UNLEARNED, one))
    for role, method in models:
        accuracy = sheets.get((role, method, "FA", "forget"), {})
        parts = ["forget", "forget/by_text_alone", "forget/by_picture_alone"]
        told = [sheets.get((role, method, "CMD", split), {}).get(WHOLE) for split in parts]
        name = method if role == Role.UNLEARNED else f"*{role}*"
        yield _line([name, *(_number(accuracy.get(form)) for form in FORMS), *map(_number, told)])


def _metric_table(sheets: Sheets) -> Iterator[str]:
    yield "The original, the mean of the oracles, and the mean of the methods (least to largest).\n"
    yield _line(["metric", "model", *FORMS])
    yield "|---|---|" + "---:|" * len(FORMS)
    for metric in in_order({key[2] for key in sheets} - {"CMD"}):
        split = CARDS[metric].split
        for role, word in (
            (Role.ORIGINAL, "original"),
            (Role.ORACLE, "oracles"),
            (Role.UNLEARNED, "methods"),
        ):
            own = [by for key, by in sheets.items() if (key[0], *key[2:]) == (role, metric, split)]
            cells = []
            for form in FORMS:
                values = [by[form] for by in own if form in by]
                spread = (
                    f" ({_number(min(values))} to {_number(max(values))})"
                    if len(values) > 1
                    else ""
                )
                cells.append(_number(fmean(values)) + spread if values else "-")
            yield _line([metric if word == "original" else "", word, *cells])


def _agreement(found: Arms) -> Iterator[str]:
    yield _line(["tau-b", *found.names])
    yield "|---|" + "---:|" * len(found.names)
    for a, b in dict.fromkeys((one.a, one.b) for one in found.agreement):
        own = [one for one in found.agreement if (one.a, one.b) == (a, b)]
        cells = [
            str(one.status)
            if one.tau is None
            else signed(one.tau, 2) + _of(one.groups_defined, one.groups)
            for one in own
        ]
        yield _line([f"{a}-{b}", *cells])
    means = ["-" if one.tau is None else signed(one.tau, 2) for one in found.mean]
    yield _line(["**mean**", *means])


def _of(defined: int, groups: int) -> str:
    return "" if defined == groups else f" ({defined} of {groups})"


def _differences(found: Arms) -> Iterator[str]:
    yield _line(["pair", "arms", "difference", "95%", "p", "p (BH)"])
    yield "|---|---|---:|---:|---:|---:|"
    for one in found.differences:
        interval = one.interval
        yield _line(
            [
                "**mean**" if one.a is None else f"{one.a}-{one.b}",
                f"{one.first}, {one.second}",
                "-" if one.difference is None else signed(one.difference, 2),
                "-"
                if interval.low is None or interval.high is None
                else f"{signed(interval.low, 2)} to {signed(interval.high, 2)}",
                "-" if one.p is None else f"{one.p:.3f}",
                "-" if one.p_adjusted is None else f"{one.p_adjusted:.3f}",
            ]
        )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if abs(value) >= 10 else f"{value:.2f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    if sys.argv[1] == "slim":
        slim(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        print(page(Path(sys.argv[2])))
