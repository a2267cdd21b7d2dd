"""Gates on many models: sets of other seeds that must pass, and leaks that must be found.

    uqs run studies/seeds.yaml && python perf/gates_seeds.py runs/seeds > perf/gates_seeds.md

Set i of a benchmark is original i with oracles i, i + 1 and i + 2 (going round), judged as a study
judges them. In its leaky twin, oracle i is a model that was taught a quarter of the forget entities (the
reference of share 0.25 and seed i) and is judged as an oracle.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from uqs import benchmarks
from uqs.evaluation.record import Recording
from uqs.records import Split
from uqs.studies.gates import (
    SHUFFLED,
    Knowledge,
    Limits,
    Verdict,
    judge,
    knowledge,
    majority_rate,
    shuffled_pictures,
)
from uqs.studies.references import taught

LIMITS = Limits()
LEAK = 0.25
ORACLES = 3


class Bench(NamedTuple):
    """The models of a benchmark by seed, and the leaky ones as a gate for oracles reads them."""

    name: str
    majority: float
    originals: Mapping[int, Knowledge]
    oracles: Mapping[int, Knowledge]
    leaky: Mapping[int, Knowledge]


def read(run: Path) -> Iterator[Bench]:
    """The originals, oracles and leaky models that a run has traced so far."""
    jobs = {
        file.parent.name: json.loads(file.read_text()) for file in run.glob("jobs/*/manifest.json")
    }
    traced: dict[str, dict[str, dict[int, Knowledge]]] = {}
    loaded = {}
    for key, job in sorted(jobs.items()):
        if job["kind"] != "trace" or jobs[job["inputs"]["model"]]["kind"] != "train":
            continue
        about = jobs[job["inputs"]["model"]]["params"]
        name, role = about["benchmark"], about["role"]
        leaks = role == "reference" and about["share"] == LEAK
        if role not in ("original", "oracle") and not leaks:
            continue
        data = loaded.setdefault(name, benchmarks.load(name))
        told = taught(data, about["share"], about["seed"], about["retain_missing"])
        forget = frozenset() if leaks else told.forget
        known = knowledge(
            Recording.read(run / "jobs" / key).evidence(None, judges=data.judges).traces,
            LIMITS,
            forget,
            told.retain,
        )
        kinds = traced.setdefault(name, {"original": {}, "oracle": {}, "leaky": {}})
        kinds["leaky" if leaks else role][about["seed"]] = known
    for name, found in sorted(traced.items()):
        data = loaded[name]
        both = (*data.evaluate["forget"].samples, *data.evaluate["retain"].samples)
        shuffled = shuffled_pictures(Split(SHUFFLED, both), np.random.default_rng(0))
        yield Bench(
            name,
            majority_rate(shuffled.samples),
            found["original"],
            found["oracle"],
            found["leaky"],
        )


def verdicts(bench: Bench, *, leak: bool) -> Iterator[Verdict]:
    """One for each set."""
    seeds = sorted(set(bench.originals) & set(bench.oracles) & set(bench.leaky))
    for at, seed in enumerate(seeds):
        chosen = [seeds[(at + step) % len(seeds)] for step in range(ORACLES)]
        models = {f"original_{seed}": bench.originals[seed]}
        models |= {f"oracle_{one}": bench.oracles[one] for one in chosen}
        if leak:
            models[f"oracle_{seed}"] = bench.leaky[seed]
        yield judge(models, [f"original_{seed}"], bench.majority, LIMITS)


def main(run: Path) -> None:
    print("# Gates on sets of other seeds, and on leaks\n")
    print(f"Made by `perf/gates_seeds.py` from a run of `studies/{run.name}.yaml`.\n")
    print(str(__doc__).split("\n\n", 2)[2].strip() + "\n")
    print("| benchmark | sets | pass every gate | oracles dropped | leaks | leaky oracle dropped |")
    print("|---|---:|---:|---:|---:|---:|")
    benches = list(read(run))
    for bench in benches:
        sound, leaky = (list(verdicts(bench, leak=leak)) for leak in (False, True))
        passed = sum(all(check.passed for check in one.checks) for one in sound)
        dropped = len({name for one in sound for name in one.dropped})
        caught = sum(bool(one.dropped) for one in leaky)
        print(f"| {bench.name} | {len(sound)} | {passed} | {dropped} | {len(leaky)} | {caught} |")
    print("\n## How far from the limits\n")
    print("The worst value of each gate over all sets, and its limit.\n")
    print("| gate | limit | " + " | ".join(bench.name for bench in benches) + " |")
    print("|---|---|" + "---:|" * len(benches))
    worst = [_worst(list(verdicts(bench, leak=False))) for bench in benches]
    for gate, (rule, limit) in _asked(benches[0]).items():
        cells = " | ".join(f"{one[gate]:.3f}" for one in worst)
        print(f"| `{gate}` | {rule} {limit} | {cells} |")


def _asked(bench: Bench) -> dict[str, tuple[str, float]]:
    checks = next(iter(verdicts(bench, leak=False))).checks
    return {check.gate: (check.rule, check.limit) for check in checks}


def _worst(found: list[Verdict]) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    low = set()
    for check in (check for one in found for check in one.checks):
        undefined = float("inf") if check.rule == "below" else float("-inf")
        values.setdefault(check.gate, []).append(undefined if check.value is None else check.value)
        if check.rule == "at least":
            low.add(check.gate)
    return {gate: min(held) if gate in low else max(held) for gate, held in values.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
