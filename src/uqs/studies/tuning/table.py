"""What a search found: the strengths as a file that studies read, and all trials as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import yaml

from uqs.studies.tuning.run import TunedMethod, Tuning
from uqs.studies.tuning.search import COARSE, TrialResult

_BEGIN = """# Strengths

Made by `uqs tune`; studies read the strengths from the file beside the study file.

**The objective**: mean over the benchmarks of |forget accuracy - target|, on a validation part; no metric
of a study is looked at. **The validation part**: retain entities are forgotten in place of the forget
entities (`uqs.studies.tuning.validation`), from originals of seed {seed}, which the study does not use. **The
budget**: {trials} trials for every method: {coarse} values of its tuned hyperparameter over its whole
range, the rest where the targets lie. Among trials at the same distance the one that keeps more of retain
is taken.
**Targets**: {targets}. A strength whose nearest trial is more than {tolerance:g} off has no value.

FA and RA are forget and retain accuracy on the validation part, of up to {questions} questions each, means
over {benchmarks}; the originals have {fa:.2f} and {ra:.2f}.
A trial whose run collapsed has none.
"""


def strengths_file(tuning: Tuning) -> str:
    """The YAML that `uqs.studies.strengths` reads."""
    options = tuning.options
    tree = {
        "found_by": "uqs tune",
        "study": tuning.study.name,
        "model": tuning.study.model.model_dump(mode="json"),
        "benchmarks": list(tuning.study.benchmarks),
        "targets": dict(options.targets),
        "trials": options.trials,
        "questions": options.questions,
        "seed": options.seed,
        "tolerance": options.tolerance,
        "methods": {
            tuned.choice.name: {
                strength: dict(tuned.at(value).hyperparameters)
                for strength, value in tuned.chosen(options).items()
                if value is not None
            }
            for tuned in tuning.methods
        },
        "reached": {
            tuned.choice.name: {
                strength: _rounded(tuned.tried[value].forget)
                for strength, value in tuned.chosen(options).items()
                if value is not None
            }
            for tuned in tuning.methods
        },
        "missed": {
            tuned.choice.name: missed
            for tuned in tuning.methods
            if (missed := tuned.missed(options))
        },
    }
    text: str = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
    return text


def page(tuning: Tuning) -> str:
    """All trials as Markdown; the chosen ones are marked."""
    options = tuning.options
    begin = _BEGIN.format(
        seed=options.seed,
        questions=options.questions,
        trials=options.trials,
        coarse=min(COARSE, options.trials),
        targets=", ".join(f"{name} {target:g}" for name, target in options.targets.items()),
        benchmarks=", ".join(tuning.study.benchmarks),
        tolerance=options.tolerance,
        fa=tuning.originals.mean_forget,
        ra=tuning.originals.mean_retain,
    )
    names = list(tuning.study.benchmarks)
    head = [
        "method",
        "tuned hyperparameter",
        "value",
        "strength",
        "FA",
        "RA",
        *(f"FA {name}" for name in names),
    ]
    lines = [begin, _row(head), "|" + "---|" * len(head)]
    for tuned in tuning.methods:
        lines += list(_rows(tuned, tuning, names))
    lines += [
        f"\n{tuned.choice.name}, {strength}: {sentence}."
        for tuned in tuning.methods
        for strength, sentence in tuned.missed(options).items()
    ]
    return "\n".join(lines) + "\n"


def _rows(tuned: TunedMethod, tuning: Tuning, names: list[str]) -> Iterator[str]:
    chosen = tuned.chosen(tuning.options)
    for value, tried in sorted(tuned.tried.items()):
        strengths = [strength for strength, of in chosen.items() if of == value]
        mark = f"**{value:g}**" if strengths else f"{value:g}"
        yield _row(
            [
                tuned.choice.name,
                tuned.tuned_hyperparameter.field,
                mark,
                ", ".join(strengths),
                *_means(tried),
                *(_accuracy(tried.forget[name]) for name in names),
            ]
        )


def _rounded(forget: Mapping[str, float | None]) -> dict[str, float]:
    """Forget accuracy by benchmark; a trial that collapsed is never chosen."""
    return {name: round(value, 4) for name, value in forget.items() if value is not None}


def _means(tried: TrialResult) -> tuple[str, str]:
    if None in tried.forget.values():
        return "collapsed", "collapsed"
    return f"{tried.mean_forget:.2f}", f"{tried.mean_retain:.2f}"


def _accuracy(value: float | None) -> str:
    return "collapsed" if value is None else f"{value:.2f}"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
