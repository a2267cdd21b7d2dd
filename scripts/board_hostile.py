"""A run folder full of hostile text, for the browser's tests: `python scripts/board_hostile.py OUT`.

More than 10,000 strings stand as study, benchmark, method, hyperparameters (notes), version, device, ids of
questions, entities, right answers and answers. `uqs board OUT --out DIR` makes the page of it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np

from uqs import results
from uqs.results import Row, items
from uqs.results.items import Item
from uqs.traces.file import write_traces
from uqs.traces.trace import Trace

STRINGS = 10_000
PARTS = (
    "<script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    "<svg onload=window.hit=1>",
    '"><b onclick=hit()>',
    "javascript:window.hit=1",
    "</script><script>window.hit=1</script>",
    "<!--",
    "-->",
    "]]>",
    "{{7*7}}",
    "${window.hit=1}",
    "<iframe srcdoc='<script>parent.hit=1</script>'>",
    "<style>*{display:none}</style>",
    "<base href=//x.invalid>",
    "<meta http-equiv=refresh content=0>",
    "<a href=javascript:window.hit=1>x</a>",
    "<math><mtext></form><mglyph>",
    "\\input{/etc/passwd}",
    "\\write18{touch x}",
    "$\\int_0^1$",
    "\\def\\x{\\x}\\x",
    "%",
    "&amp;&lt;",
    "&#x3c;script&#x3e;",
    "=1+1",
    "@SUM(A1)",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "\u202edetrevni\u202c",
    "\u2066\u2067\u2069",
    "\u200b\u200d\ufeff",
    "\u2028\u2029",
    "\ud7ff\ue000",
    "\U0001f9d1\u200d\U0001f4bb" * 3,
    "e\u0301" * 40,
    "Z" + "\u0335" * 60,
    "\uffff",
    "a" * 400,
    "__proto__",
    "constructor",
    "toString",
    "null",
    "NaN",
    "\x00\x01\x1b[31m",
    "\t\r\n",
    "' OR 1=1 --",
    "%3Cscript%3E",
)
METHODS, QUESTIONS, SEEDS = 8, 180, (1, 2, 3)
TEXTS = {"seen": count()}


def hostile(rng: np.random.Generator, *, name: bool = False) -> str:
    """Two parts and a number; a name has no control characters and is no path."""
    next(TEXTS["seen"])
    drawn = "".join(PARTS[at] for at in rng.integers(0, len(PARTS), 2)) + str(
        rng.integers(1_000_000)
    )
    if name:
        drawn = "".join(sign for sign in drawn if sign >= " " and sign not in "@\x7f").replace(
            "..", ""
        )
        drawn = f"n{drawn}"
    return drawn


def rows(rng: np.random.Generator) -> Iterator[Row]:
    study, version, device = (hostile(rng, name=True) for _ in range(3))
    benchmarks = [hostile(rng, name=True).replace("/", "|").replace(":", ";") for _ in range(2)]
    methods = [hostile(rng, name=True).replace("/", "|") for _ in range(METHODS)]
    for benchmark in benchmarks:
        made = [("original", "original", 1), ("oracle", "retrain", 0), ("oracle", "retrain", 1)]
        made += [("unlearned", method, seed) for method in methods for seed in SEEDS]
        for role, method, seed in made:
            notes = json.dumps({hostile(rng): hostile(rng), "lr": 0.1})
            at = methods.index(method) if method in methods else 0
            key = f"{benchmarks.index(benchmark)}-{role}-{at}-{seed}"
            row = Row(
                study=study,
                benchmark=benchmark,
                edition="none",
                model="base",
                role=role,
                method=method,
                strength="",
                hyperparameters=notes,
                seed=seed,
                oracle_seed=None,
                split="forget",
                metric="FA",
                value=0.5,
                se=0.1,
                n=QUESTIONS,
                status="ok",
                config_hash=key,
                data_hash=hostile(rng),
                version=version,
                device=device,
                seconds=0.0,
            )
            for metric, split in (("FA", "forget"), ("RA", "retain"), ("MIA", "forget")):
                yield replace(row, metric=metric, split=split, value=round(float(rng.random()), 3))


def trace(rng: np.random.Generator, split: str, asked: list[tuple[str, str, str]]) -> Trace:
    """A trace of these questions with hostile answers; every gold answer is one token."""
    n = len(asked)
    one = rng.normal(size=n).astype(np.float32)
    log_probs = np.log(np.full((n, 2), 0.5, dtype=np.float32))
    return Trace(
        split=split,
        ids=tuple(a for a, _, _ in asked),
        entities=tuple(b for _, b, _ in asked),
        tasks=("short",) * n,
        pictured=(False,) * n,
        golds=tuple(c for _, _, c in asked),
        answers=tuple(hostile(rng) for _ in asked),
        candidates=((),) * n,
        vocabulary=2,
        offsets=np.arange(n + 1),
        gold_ids=np.zeros(n, np.int64),
        gold_log_probs=-np.abs(one),
        gold_ranks=np.zeros(n, np.int64),
        means=one,
        variances=np.abs(one),
        top_ids=np.empty((0, 0), np.int32),
        top_log_probs=log_probs,
        tail_masses=np.zeros(n, np.float32),
        gradient_norms=np.abs(one),
        candidate_losses=np.empty(0, np.float32),
        answer_activations={},
        prompt_activations={},
        lens_log_probs={},
        lens_ranks={},
    )


def write(out: Path) -> int:
    """Make the folder; returns how many strings were drawn for it."""
    rng = np.random.default_rng(16)
    made = list(rows(rng))
    results.write(made, out / "results.parquet")
    asked = {
        (row.benchmark, split): [
            (f"{at}{hostile(rng)}", hostile(rng), hostile(rng)) for at in range(QUESTIONS)
        ]
        for row in made
        for split in ("forget", "holdout")
        if row.role == "original" and row.metric == "FA"
    }
    known = []
    for row in made:
        if row.metric != "FA":
            continue
        job = out / "jobs" / f"trace-{row.config_hash}"
        splits = ("forget", "holdout")
        write_traces(
            [trace(rng, one, asked[row.benchmark, one]) for one in splits], job / "here", {}
        )
        (job / "recorded.json").write_text(json.dumps({"places": dict.fromkeys(splits, "here")}))
        manifest = {"kind": "trace", "key": job.name, "inputs": {"model": row.config_hash}}
        (job / "manifest.json").write_text(json.dumps(manifest))
        fields = {name: getattr(row, name) for name in items.KEY if name != "id"}
        known += [
            Item(**fields, id=item, entity=entity, value=float(at % 2))
            for at, (item, entity, _) in enumerate(asked[row.benchmark, "forget"])
        ]
    items.write(known, out / "items.parquet")
    return next(TEXTS["seen"])


if __name__ == "__main__":
    drawn = write(Path(sys.argv[1]))
    if drawn < STRINGS:
        raise SystemExit(f"only {drawn} strings")
    print(f"{drawn} hostile strings")
