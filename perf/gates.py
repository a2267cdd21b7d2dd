"""How often the gates of a study err: honest studies that fail, and leaks that pass.

Simulated studies of three benchmarks, with one original and two oracles each. Every study draws new
entities; the oracles share the guess rates of the entities. These rates follow a beta distribution. Its
mean and its intraclass correlation are those of the run's models; the correlation is at least 0.05. For
the membership AUC, the run's entities are drawn with replacement, each with the losses of both oracles.

    python perf/gates.py runs/tiny > perf/gates.md
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uqs import benchmarks
from uqs.evaluation.record import Recording
from uqs.records import Split
from uqs.studies.gates import (
    SHUFFLED,
    Limits,
    Verdict,
    judge,
    knowledge,
    majority_rate,
    shuffled_pictures,
)
from uqs.studies.references import Taught, taught
from uqs.traces.judged import right_answers
from uqs.traces.trace import Trace

Floats = NDArray[np.float64]
STUDIES = 200_000
STUDIES_WITH_AUC = 100_000
CHUNK = 2_000
LEAST_CORRELATION = 0.05
LIMITS = Limits()
LEAK = 0.25


class Rates(NamedTuple):
    """Of an entity's right answers: mean rate and intraclass correlation."""

    mean: float
    correlation: float


class Bench(NamedTuple):
    """What a run says of one benchmark; `models` are its traces by role and seed."""

    name: str
    majority: float
    models: Mapping[str, Mapping[str, Trace]]
    taught: Mapping[str, Taught]
    starts: tuple[str, ...]

    def of(self, role: str) -> list[Mapping[str, Trace]]:
        return [traces for name, traces in sorted(self.models.items()) if name.startswith(role)]


def read(run: Path) -> Iterator[Bench]:
    """The traces of a run's originals and oracles."""
    manifests = [json.loads(file.read_text()) for file in run.glob("jobs/*/manifest.json")]
    for one in sorted((m for m in manifests if m["kind"] == "gates"), key=lambda m: m["label"]):
        name = one["params"]["benchmark"]
        data = benchmarks.load(name)
        both = (*data.evaluate["forget"].samples, *data.evaluate["retain"].samples)
        shuffled = shuffled_pictures(Split(SHUFFLED, both), np.random.default_rng(0))
        models = {
            role: Recording.read(run / "jobs" / key).evidence(None).traces
            for role, key in one["inputs"].items()
        }
        told = {
            role: taught(data, about["share"], about["seed"], about["retain_missing"])
            for role, about in one["params"]["taught"].items()
        }
        starts = tuple(one["params"]["starts"])
        yield Bench(name, majority_rate(shuffled.samples), models, told, starts)


def judged(bench: Bench) -> Verdict:
    """The run's own gates."""
    found = {
        name: knowledge(traces, LIMITS, bench.taught[name].forget, bench.taught[name].retain)
        for name, traces in sorted(bench.models.items())
    }
    return judge(found, bench.starts, bench.majority, LIMITS)


def counts(trace: Trace) -> tuple[Floats, Floats]:
    """Right answers and questions of each entity."""
    _, codes = np.unique(np.asarray(trace.entities), return_inverse=True)
    asked = np.bincount(codes).astype(np.float64)
    return np.bincount(codes, weights=right_answers(trace)).astype(np.float64), asked


def fitted(traces: list[Trace]) -> Rates:
    """By moments, from the variance of entities' rates between and within (Fleiss 1981, eq. 13.7)."""
    right, asked = (np.concatenate(part) for part in zip(*map(counts, traces), strict=True))
    mean = float(right.sum() / asked.sum())
    if mean in (0.0, 1.0):
        half_an_answer = 0.5 / float(asked.sum())
        return Rates(abs(mean - half_an_answer), LEAST_CORRELATION)
    between = float(np.sum(asked * (right / asked - mean) ** 2) / (len(asked) - 1))
    within = float(np.sum(right * (1 - right / asked)) / np.sum(asked - 1))
    size = float(asked.mean())
    correlation = (between - within) / (between + (size - 1) * within)
    return Rates(mean, min(max(correlation, LEAST_CORRELATION), 0.9))


def drawn(rates: Rates, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Entities' rates."""
    precision = 1 / rates.correlation - 1
    return rng.beta(rates.mean * precision, (1 - rates.mean) * precision, shape)


def known(right: Floats, asked: int) -> Floats:
    """Share of known entities, over the last axis."""
    return np.asarray((right >= LIMITS.known * asked).mean(-1), dtype=np.float64)


class Simulated(NamedTuple):
    """How often each gate fails, and a leaky oracle by what is leaked."""

    false: Mapping[str, float]
    missed: Mapping[str, float]


def simulate(bench: Bench, rng: np.random.Generator) -> Simulated:
    originals, oracles = bench.of("original"), bench.of("oracle")
    unknown = fitted([m[s] for m in oracles for s in ("forget", "holdout")])
    taught = fitted([m["forget"] for m in originals])
    retained = fitted([m["retain"] for m in originals])
    n, n_retain = (len(counts(originals[0][s])[0]) for s in ("forget", "retain"))
    m, m_retain = (round(float(counts(originals[0][s])[1].mean())) for s in ("forget", "retain"))

    def answers(rates: Floats, asked: int) -> Floats:
        return rng.binomial(asked, rates).astype(np.float64)

    forget = drawn(unknown, (STUDIES, n), rng)
    holdout = drawn(unknown, (STUDIES, n), rng)
    of_oracles = [(answers(forget, m), answers(holdout, m)) for _ in oracles]
    original = answers(drawn(taught, (STUDIES, n), rng), m)
    of_holdout = answers(holdout, m)
    retain = answers(drawn(retained, (STUDIES, n_retain), rng), m_retain)
    pooled = [np.mean([part[i].mean(-1) for part in of_oracles], 0) / m for i in (0, 1)]
    share = (pooled[0] - pooled[1]) / (original.mean(-1) / m - pooled[1])

    def entities(right: Floats) -> float:
        return float((known(right, m) >= LIMITS.entities).mean())

    false = {
        "original_forget_accuracy": float((original.mean(-1) / m < LIMITS.accuracy).mean()),
        "original_retain_accuracy": float((retain.mean(-1) / m_retain < LIMITS.accuracy).mean()),
        "shuffled_pictures": shuffled(bench, rng),
        "original_holdout_entities": entities(of_holdout),
        "oracle_retain_accuracy": len(oracles)
        * float((retain.mean(-1) / m_retain < LIMITS.accuracy).mean()),
        "oracle_forget_entities": sum(entities(part[0]) for part in of_oracles),
        "oracle_holdout_entities": sum(entities(part[1]) for part in of_oracles),
        "oracles_forget_share": float((share >= LIMITS.share).mean()),
        "oracles_membership_share": membership(bench, rng),
    }
    missed = {}
    leak = max(1, round(LEAK * n))
    for name, rates in (
        ("learnt as the forget set", taught),
        ("learnt at 90%", Rates(0.9, max(taught.correlation, 0.1))),
    ):
        right = answers(forget, m)
        right[:, :leak] = answers(drawn(rates, (STUDIES, leak), rng), m)
        missed[f"{leak} of {n} entities, {name}"] = 1 - entities(right)
    return Simulated(false, missed)


def shuffled(bench: Bench, rng: np.random.Generator) -> float:
    """Rate of failing under shuffled pictures, entities drawn with replacement."""
    original = bench.of("original")[0]
    everything = [set(original[split].entities) for split in ("forget", "retain")]
    seen = knowledge(original, LIMITS, *everything).seen
    right, asked = counts(original[SHUFFLED])
    chosen = rng.integers(len(right), size=(STUDIES_WITH_AUC, len(right)))
    rate = right[chosen].sum(-1) / asked[chosen].sum(-1)
    share = (rate - bench.majority) / (seen - bench.majority)
    return float((share >= LIMITS.share).mean())


def membership(bench: Bench, rng: np.random.Generator) -> float:
    """Rate of failing by the oracles' AUC: forget and holdout drawn from both sets' entities together."""
    split_losses = [
        [by_entity(model[split]) for model in bench.of("oracle")] for split in ("forget", "holdout")
    ]
    # [oracle][entity] -> losses; the same entity stands at one place for every oracle
    forget, holdout = split_losses
    pool = [[*one, *other] for one, other in zip(forget, holdout, strict=True)]
    n = len(forget[0])
    aucs = [knowledge(model, LIMITS, (), ()).auc for model in bench.of("original")]
    original = sum(auc for auc in aucs if auc is not None) / len(aucs)
    size = len(pool[0])
    # wins[oracle][a, b]: how often entity a's losses lie below entity b's, and the number of pairs
    wins = [np.array([[_below(a, b) for b in own] for a in own]) for own in pool]
    pairs = np.array([[len(a) * len(b) for b in pool[0]] for a in pool[0]])
    failed = 0
    for _ in range(STUDIES_WITH_AUC // CHUNK):
        places = (
            rng.integers(size, size=(CHUNK, n, 1)),
            rng.integers(size, size=(CHUNK, 1, n)),
        )
        asked = pairs[places].sum((1, 2))
        found = np.mean([own[places].sum((1, 2)) / asked for own in wins], 0)
        failed += int(((found - 0.5) / (original - 0.5) >= LIMITS.share).sum())
    return failed / STUDIES_WITH_AUC


def by_entity(trace: Trace) -> list[Floats]:
    losses, names = trace.gold_losses(), np.asarray(trace.entities)
    return [losses[names == name] for name in sorted(set(trace.entities))]


def _below(one: Floats, other: Floats) -> float:
    return float((one[:, None] < other).sum() + 0.5 * (one[:, None] == other).sum())


def main(run: Path) -> None:
    rng = np.random.default_rng(0)
    benches = list(read(run))
    found = {bench.name: simulate(bench, rng) for bench in benches}
    print("# How often the gates err\n")
    print("Made by `perf/gates.py` from a run of `studies/tiny.yaml`.\n")
    print(str(__doc__).split("\n\n")[1] + "\n")
    print(
        f"{STUDIES:,} studies; `oracles_membership_share`, `shuffled_pictures`: {STUDIES_WITH_AUC:,}.\n"
    )
    print("## The run itself\n")
    print("| benchmark | gate | model | value | required |\n|---|---|---|---:|---|")
    for bench in benches:
        for check in judged(bench).checks:
            value = "undefined" if check.value is None else f"{check.value:.3f}"
            asked = f"{check.rule} {check.limit}" + ("" if check.passed else ", FAILED")
            print(f"| {bench.name} | `{check.gate}` | {check.model} | {value} | {asked} |")
    print("\n## Honest studies that fail\n")
    print(
        "Failures per million studies, by gate. Gates on single models count all models of the benchmark.\n"
    )
    print("| gate | " + " | ".join(found) + " |\n|---|" + "---:|" * len(found))
    for gate in next(iter(found.values())).false:
        cells = (f"{1e6 * one.false[gate]:.0f}" for one in found.values())
        print(f"| `{gate}` | " + " | ".join(cells) + " |")
    total = sum(sum(one.false.values()) for one in found.values())
    print(f"\nAll gates of all benchmarks together: at most {total:.2g} (the sum).\n")
    print("## Leaks that pass\n")
    print(
        "Entities leak into the retain set of one oracle. Share of studies that keep this oracle.\n"
    )
    print("| benchmark | leaked | passes |\n|---|---|---:|")
    for name, one in found.items():
        for leak, rate in one.missed.items():
            print(f"| {name} | {leak} | {rate:.5f} |")
    print("\n## The limits and the guess rate\n")
    print(
        "Chance that 20 entities with 8 questions each fail an entity gate, by rate of right guesses"
    )
    print(f"(intraclass correlation {LEAST_CORRELATION}):\n")
    print("| guess rate | fails |\n|---:|---:|")
    for rate in (0.1, 0.2, 0.25, 0.3, 0.4, 0.5):
        rates = drawn(Rates(rate, LEAST_CORRELATION), (STUDIES, 20), rng)
        fails = known(rng.binomial(8, rates).astype(float), 8) >= LIMITS.entities
        print(f"| {rate} | {fails.mean():.5f} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
