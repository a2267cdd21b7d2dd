"""The page of the unimodal arm, from the table of its run.

uqs run studies/tiny_unimodal.yaml
cp runs/tiny_unimodal/results.parquet studies/tiny_unimodal_results.parquet
python scripts/unimodal_page.py studies/tiny_unimodal_results.parquet > docs/unimodal.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from uqs.audit.ladder import Rung
from uqs.records import Role
from uqs.report.analysis import Analysis, analyse
from uqs.report.means import Key, Line, Summary
from uqs.reproduction.procedures import METRICS, mean_pairwise_tau
from uqs.results.panel import Panel
from uqs.score import figures
from uqs.text import count

BEGIN = """# The unimodal arm: classification

Made by `scripts/unimodal_page.py` from the table of a run of `studies/tiny_unimodal.yaml`,
`studies/tiny_unimodal_results.parquet`.

The published study (arXiv 2605.02206) has a second arm without language: ResNet-18 on CIFAR-10. Here the
same engine runs it: the same evaluation, losses, gates, references with known shares, audit and score.

- **Model.** A classifier stands where a vision-language model does (`models/image_classifier.py`). Its
  vocabulary is the classes, an answer is one token, the question is not read. All weights are trained;
  there are no adapters. The family `resnet` is transformers' ResNet, `image_classifier` takes every
  folder that AutoModelForImageClassification opens, if its head is one linear layer.
- **Start.** The base has random weights, the same for all models of a study; the head is drawn anew for
  each model that is trained from it. So the oracle distance compares updates from one start; kernels of
  convolutions count as matrices, scales and shifts do not count.
- **Batch normalisation.** Running statistics are moved only where a model is trained from its base.
  Methods (and the models before them, where a method compares) use them and leave them as they are: a
  method's batches are one-sided, and a step shall compute what is measured. They lie in the checkpoint,
  and belong to what a run goes back to. A batch of one is no special case.
- **Entity.** A picture: it is removed, and errors are clustered by it. Forget a class
  (`&forget=class:Shirt`) or pictures drawn at random (`&forget=random:0.2`). Holdout are test pictures:
  of the forgotten class, or of all. `neighbour` are other test pictures. Pictures with the same pixels
  are taken once.
- **What generalises.** A classifier knows the class of pictures that it never saw, so holdout may be
  known: the status `known_holdout` is not given here, and the gate of known entities is off. The gates of
  originals and oracles have wider limits than for facts: over three runs (this one, one in other
  arithmetic, one with other seeds too) what oracles had of the originals' membership AUC above .5 was .11
  to .33 (limit here .5, else .3), and the originals' accuracy on the forgotten class .89 to 1 (limit here
  .8, else .875).
- **Other arithmetic** (ATEN_CPU_CAPABILITY=default, MKL_CBWR=COMPATIBLE): all gates pass, UQS orders the
  methods alike with both sets of weights; finetune_retain (equal weights) and salun (published weights) fall
  one group lower, and MIA no longer follows the truth where pictures are drawn at random.
- **What is refused**, in one line each: metrics and methods that need a model that writes text (probes,
  perplexity, ROUGE, truth ratio ...; refusals, instructions, language layers), adapters, replay.

The models are tiny, the pictures grey and of 28 x 28 pixels: what holds here may not hold for a
ResNet-18. `studies/unimodal.yaml` is the published arm; it was not run, because CIFAR-10 is not here.
"""
SAY = """FA is accuracy on the forgotten pictures, *unseen*: on holdout, which no model was trained on. RA is
accuracy on kept pictures, *unseen*: on other test pictures. Means ± standard deviations between runs; AD,
JS, oracle distance and functional distance are means over the oracles, and for the oracles the distances
between them. Functional distance is measured on holdout: where a class is forgotten, on pictures of that
class.
"""
LADDER = """References are trained on the kept pictures and a known share of those to be forgotten: share
0 are the oracles, share 1 the originals. Means ± standard deviations between models.
"""
TAU = """Mean tau_b over the pairs of FA, RA, MIA, AD and JS. The published procedure pools all rows of an
arm and does not align directions; *aligned*, a metric of which less is better has its sign changed. Four
methods are too few to test any of this (no p can fall below 1/24), and the two arms differ in data, model
and task at once.
"""
UNSEEN = {"FA": ("FA", "holdout"), "RA": ("RA", "neighbour")}
SHOWN = ("FA", "RA", "MIA", "MIA_AUC", "AD", "JS", "oracle_distance", "functional_distance", "PROB")


def main(table: Path) -> None:
    print("\n".join(page(analyse(table))))


def page(found: Analysis) -> Iterator[str]:
    """The lines of the page."""
    long, summary = found.long, found.summary
    yield BEGIN
    own = long[long["role"] == Role.UNLEARNED]
    models = own.drop_duplicates(["edition", "method", "seed"])
    yield f"## In short\n\n{count(len(models), 'unlearned model')}; `uqs audit` of the table begins:\n"
    yield from (f"- {said}" for said in (*found.audit.in_short, *_left(summary)))
    yield "\n## Each method\n"
    yield SAY
    for name in summary.benchmarks:
        yield f"### {name}\n"
        yield from _models(summary, name)
        yield ""
    yield "## Models of known truth\n"
    yield LADDER
    yield from _ladders(found)
    yield "\n## Do the metrics agree?\n"
    yield TAU
    yield from _taus(found.panel)


def _left(summary: Summary) -> Iterator[str]:
    """What accuracy says is left of the forgotten pictures, and what membership says."""
    for name in summary.benchmarks:
        said = []
        for metric in ("FA", "MIA_AUC"):
            original, oracle, *methods = (
                summary.mean(name, line, metric, method)
                for line, method in (
                    (Line.ORIGINAL, ""),
                    (Line.ORACLE, ""),
                    *((Line.UNLEARNED, method) for method in summary.methods),
                )
            )
            if original is None or oracle is None:
                continue
            known = [one.value for one in methods if one is not None and one.value is not None]
            said.append(
                f"{metric} from {original.value:.2f} to between {min(known):.2f} and {max(known):.2f} "
                f"(oracles {oracle.value:.2f})"
            )
        yield f"On {name} the methods bring {' and '.join(said)}."


def _models(summary: Summary, name: str) -> Iterator[str]:
    columns = []
    for metric in SHOWN:
        columns.append((metric, metric, summary.headline[metric]))
        if metric in UNSEEN:
            columns.append((f"{metric}, unseen", *UNSEEN[metric]))
    yield from _table_head(["model", *(title for title, _, _ in columns)])
    lines = [("oracles", Line.ORACLE, ""), ("original", Line.ORIGINAL, "")]
    lines += [(method, Line.UNLEARNED, method) for method in summary.methods]
    for title, line, method in lines:
        cells = []
        for _, metric, split in columns:
            key = Key(name, line, method, metric, split)
            if line is Line.ORACLE and key not in summary.runs:
                key = key._replace(line=Line.FLOOR)
            values = [run.value for run in summary.runs.get(key, ()) if run.value is not None]
            cells.append(_values(values))
        yield _line([title, *cells])


def _ladders(found: Analysis) -> Iterator[str]:
    headline = found.summary.headline
    kept = [one for one in found.ladders if headline.get(one.metric) == one.split]
    shares = sorted({rung.share for one in kept for rung in one.rungs})
    yield from _table_head(["benchmark", "metric", *(f"{share:g}" for share in shares), "rho"])
    for one in kept:
        rungs: dict[float, Rung] = {rung.share: rung for rung in one.rungs}
        cells = [_values(rungs[share].values) if share in rungs else "-" for share in shares]
        rho = "undefined" if one.rho is None else f"{one.rho:.2f}"
        yield _line([one.benchmark, one.metric, *cells, rho])


def _taus(panel: Panel) -> Iterator[str]:
    frame = pd.DataFrame({metric: panel.values[metric] for metric in METRICS})
    tables = {name: frame[panel.benchmark == name] for name in panel.benchmarks}
    tables |= {
        "both": frame,
        "published, CIFAR-10": figures.unimodal(),
        "published, the vision-language arm": figures.multimodal(),
    }
    yield from _table_head(["rows", "as published", "aligned"])
    for name, rows in tables.items():
        taus = [mean_pairwise_tau(rows, align=align) for align in (False, True)]
        yield _line([name, *(f"{tau:.3f}" for tau in taus)])


def _values(values: Sequence[float]) -> str:
    if not values:
        return "-"
    sd = f" ± {np.std(values, ddof=1):.2g}" if len(values) > 1 else ""
    return f"{np.mean(values):.3g}{sd}"


def _table_head(titles: Sequence[str]) -> Iterator[str]:
    yield _line(titles)
    yield "|---|" + "---:|" * (len(titles) - 1)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
