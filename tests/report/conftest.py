"""A run folder whose unlearned models are the published rows; originals, oracles and gates are made up."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from uqs import results
from uqs.metrics.catalogue import CARDS
from uqs.report.evidence import Evidence, gather
from uqs.results import Row
from uqs.score.figures import multimodal

ORIGINAL = {"FA": 0.98, "RA": 0.97, "MIA": 0.8, "AD": 9.0, "JS": 0.4, "oracle_distance": 0.9}
ORACLE = {"FA": 0.2, "RA": 0.96, "MIA": 0.03}
FLOOR = {"AD": 0.5, "JS": 0.04, "oracle_distance": 0.3}
TEMPLATE = Row(
    study="paper", benchmark="", edition="tiny", model="tiny_llava", role="unlearned", method="",
    strength="", hyperparameters='{"lr": 0.001}', seed=0, oracle_seed=None, split="forget",
    metric="FA", value=0.0, se=0.02, n=100, status="ok", config_hash="c", data_hash="d",
    version="0.1", device="cpu", seconds=1.0,
)  # fmt: skip


def published_rows() -> Iterator[Row]:
    for record in multimodal().to_dict("records"):
        place = replace(
            TEMPLATE,
            benchmark=record["benchmark"],
            method=record["method"],
            seed=int(record["seed"]),
        )
        for metric in ("FA", "RA", "MIA", "AD", "JS", "oracle_distance"):
            yield from measured(place, metric, record[metric])
        yield replace(
            place, metric="FA", split="forget_reworded", value=record["FA"] / 2, seconds=2.0
        )


def measured(place: Row, metric: str, value: float) -> Iterator[Row]:
    """One row, or one for each of two oracles."""
    compares = "oracle" in CARDS[metric].needs
    row = replace(place, metric=metric, split=CARDS[metric].split, value=value)
    for seed in (0, 1) if compares else (None,):
        if place.role != "oracle" or seed != place.seed:
            yield replace(row, oracle_seed=seed)


def reference_rows(benchmarks: Iterable[str]) -> Iterator[Row]:
    for benchmark in benchmarks:
        for seed in (42, 123, 5508):
            place = replace(
                TEMPLATE, benchmark=benchmark, role="original", method="original", seed=seed
            )
            for metric, value in ORIGINAL.items():
                yield from measured(place, metric, value + seed * 1e-6)
        for seed in (0, 1):
            place = replace(
                TEMPLATE, benchmark=benchmark, role="oracle", method="retrain", seed=seed
            )
            for metric, value in {**ORACLE, **FLOOR}.items():
                yield from measured(place, metric, value + (0.02 * seed if metric in ORACLE else 0))


def gate(passed: bool = True, **changes: object) -> dict[str, object]:
    check = {
        "gate": "oracle_retain_accuracy", "model": "oracle_0", "value": 0.99 if passed else 0.91,
        "limit": 0.95, "rule": "at least", "passed": passed,
    }  # fmt: skip
    return {"passed": passed, "checks": [check | changes]}


def left_out() -> dict[str, object]:
    """Gates of two oracles, of which one knows forget entities."""
    name = "oracle_forget_entities"
    checks = [
        {"gate": name, "model": "oracle_0", "value": 0.05, "limit": 0.125, "rule": "below", "passed": True},
        {"gate": name, "model": "oracle_1", "value": 0.25, "limit": 0.125, "rule": "below", "passed": False},
    ]  # fmt: skip
    return {"passed": True, "stop": [], "dropped": {"oracle_1": [name]}, "checks": checks}


def fail_gate(rows: Iterable[Row], benchmark: str) -> list[Row]:
    """What a study writes of a benchmark whose gates failed."""
    return [
        replace(row, value=None, se=None, n=0, status="gate_failed", oracle_seed=None)
        if row.benchmark == benchmark and row.role == "unlearned"
        else row
        for row in rows
        if not (
            row.benchmark == benchmark
            and row.role == "unlearned"
            and (row.oracle_seed == 1 or row.split == "forget_reworded")
        )
    ]


def drop_oracle(rows: Iterable[Row], benchmark: str) -> list[Row]:
    """What a study writes where oracle 1 of a benchmark was left out."""
    kept: list[Row] = []
    for row in rows:
        if row.benchmark != benchmark:
            kept.append(row)
        elif row.role == "oracle" and row.seed == 1:
            gone = replace(row, value=None, se=None, n=0, status="gate_failed", oracle_seed=None)
            kept.append(gone)
        elif row.role == "oracle" and row.oracle_seed is not None:
            status = {"status": "missing_oracle", "oracle_seed": None}
            kept.append(replace(row, value=None, se=None, n=0, **status))
        elif row.oracle_seed != 1:
            kept.append(row)
    return kept


@pytest.fixture
def dropping() -> Callable[[Iterable[Row], str], list[Row]]:
    """Rows as they are where one of two oracles was left out."""
    return drop_oracle


@pytest.fixture
def rows() -> list[Row]:
    found = list(published_rows())
    return [*found, *reference_rows(dict.fromkeys(row.benchmark for row in found))]


@pytest.fixture
def failing() -> Callable[[Iterable[Row], str], list[Row]]:
    """Rows as they are where the gates of a benchmark failed."""
    return fail_gate


MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Write rows and gates into a run folder."""

    def make(
        rows: Iterable[Row],
        failed: Iterable[str] = (),
        name: str = "run",
        dropped: Iterable[str] = (),
    ) -> Path:
        run = tmp_path / name
        run.mkdir(exist_ok=True)
        rows = list(rows)
        results.write(rows, run / "results.parquet")
        names = sorted({row.benchmark for row in rows})
        gates = {f"{one}:tiny": gate(one not in set(failed)) for one in names}
        for one in dropped:
            gates[f"{one}:tiny"] = left_out()
        (run / "gates.json").write_text(json.dumps(gates))
        return run

    return make


ENDS = {
    "FA": (0.2, 0.98), "RA": (0.96, 0.97), "MIA": (0.03, 0.8), "AD": (0.5, 9.0), "JS": (0.04, 0.4),
    "KR": (0.1, 0.9), "oracle_distance": (0.3, 0.9),
}  # fmt: skip
"""What oracles and originals have; references lie between them."""
RUNGS = (0.0, 0.5, 1.0)


def ladder_rows(benchmarks: Iterable[str]) -> Iterator[Row]:
    """Three models at each known share, and three that know everything and are suppressed or damaged."""
    kinds = {0.0: ("oracle", "retrain"), 1.0: ("original", "original")}
    for benchmark in benchmarks:
        for seed in (0, 1, 2):
            for share in RUNGS:
                role, method = kinds.get(share, ("reference", "retrain_part"))
                strength = f"{share:g}" if role == "reference" else ""
                place = replace(
                    TEMPLATE, benchmark=benchmark, role=role, method=method, strength=strength,
                    seed=seed, share=share,
                )  # fmt: skip
                yield from _at(place, share + 0.01 * (seed - 1))
            known = replace(TEMPLATE, benchmark=benchmark, seed=seed, share=1.0)
            hidden = _at(replace(known, role="suppressed", method="refusal"), 1 + 0.01 * (seed - 1))
            yield from (replace(row, value=0.01) if row.metric == "FA" else row for row in hidden)
            broken = _at(replace(known, role="damaged", method="noise"), 1 + 0.01 * (seed - 1))
            yield from (replace(row, value=0.5) if row.metric == "RA" else row for row in broken)


def _at(place: Row, share: float) -> Iterator[Row]:
    """A model's rows; a distance to each of three oracles but itself."""
    for metric, (low, high) in ENDS.items():
        row = replace(
            place, metric=metric, split=CARDS[metric].split, value=low + (high - low) * share
        )
        for oracle in (0, 1, 2) if "oracle" in CARDS[metric].needs else (None,):
            if place.role != "oracle" or oracle != place.seed:
                yield replace(row, oracle_seed=oracle)


def laddered() -> list[Row]:
    """The published rows as unlearned models, with KR, beside a whole ladder."""
    own = list(published_rows())
    for at, row in enumerate(
        one for one in published_rows() if one.metric == "FA" and one.split == "forget"
    ):
        own.append(replace(row, metric="KR", split=CARDS["KR"].split, value=(at % 7) / 10))
    return [*own, *ladder_rows(dict.fromkeys(row.benchmark for row in own))]


@pytest.fixture(scope="session")
def ladder_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with all that figures, tables and the report can show."""
    run = tmp_path_factory.mktemp("ladder")
    rows = laddered()
    results.write(rows, run / "results.parquet")
    names = sorted({row.benchmark for row in rows})
    (run / "gates.json").write_text(json.dumps({f"{one}:tiny": gate() for one in names}))
    return run


@pytest.fixture(scope="session")
def evidence(ladder_run: Path) -> Evidence:
    """What figures and tables read of it."""
    return gather(ladder_run)


PIECES = (
    "<script>alert(1)</script>", "</style>", "<!--", "&lt;", "$", "$$", "$x^2$", "\\", "\\input{/etc/passwd}",
    "\\end{tabular}", "_", "^", "^^M", "%", "#", "{", "}", "&", "~", "[", "]", "*", "|", "`", "'", '"', "--",
    "=1+1", "+", "@", "-", "\x00", "\x1b[31m", "\t", "\r\n", "\u202e", "\u2066", "\u2028", "\ufeff", "\u00e9",
    "\u017e", "\u1ebf", "\u6f22", "\U0001f600", "\u0301", "![x](javascript:a)", "a", "salun", " ", "../..",
    "\u00df", "\u2026", "i\u0307",
)  # fmt: skip


@pytest.fixture(scope="session")
def hostile() -> list[str]:
    """10,000 texts of markup, script, LaTeX, formulas, control and bidirectional characters."""
    rng = random.Random(0)
    return ["".join(rng.choices(PIECES, k=rng.randint(1, 8))) for _ in range(10_000)]
