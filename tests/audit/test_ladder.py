"""Ladders by hand, and against SciPy."""

from __future__ import annotations

import pandas as pd
import pytest
from scipy.stats import spearmanr

from uqs.audit.ladder import Ladder, Rung, ladders


def row(role: str, share: float | None, value: float | None, **more: object) -> dict[str, object]:
    given = {"method": "", "strength": "", "seed": 0, "oracle_seed": None, "status": "ok"}
    about = {"benchmark": "b", "metric": "FA", "split": "forget", "role": role, "share": share}
    return {**about, **given, "value": value, **more}


def frame(*rows: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame(rows).astype(
        {"share": "Float64", "value": "Float64", "oracle_seed": "Int64"}
    )


def test_a_ladder_by_hand() -> None:
    found = ladders(
        frame(
            row("oracle", 0, 0.1),
            row("oracle", 0, 0.2, seed=1),
            row("reference", 0.5, 0.6, method="retrain_part", strength="0.5"),
            row("original", 1, 1.0),
            row("unlearned", None, 0.4, method="npo"),
            row("suppressed", 1, 0.05, method="guardrail"),
            row("damaged", 1, 0.9, method="noise", strength="0.1"),
            row("damaged", 1, None, method="noise", strength="0.9", status="collapsed"),
        )
    )
    assert found == [
        Ladder(
            "b",
            "FA",
            "forget",
            (Rung(0, (0.1, 0.2)), Rung(0.5, (0.6,)), Rung(1, (1.0,))),
            (
                Rung(1, (0.9,), "damaged", "noise", "0.1"),
                Rung(1, (0.05,), "suppressed", "guardrail"),
            ),
        )
    ]
    first, second, _ = found[0].rungs
    assert (first.mean, first.sd) == (pytest.approx(0.15), pytest.approx(0.1 / 2**0.5))
    assert (second.mean, second.sd) == (0.6, None)


def test_two_editions_of_a_benchmark_have_ladders_of_their_own() -> None:
    models = [
        row(role, share, value + offset, edition=edition)
        for edition, offset in (("tiny&forget=class:0", 0.0), ("tiny&forget=random:0.1", 0.5))
        for role, share, value in (
            ("oracle", 0, 0.1),
            ("reference", 0.5, 0.3),
            ("original", 1, 0.5),
        )
    ]
    found = {one.benchmark: [rung.values for rung in one.rungs] for one in ladders(frame(*models))}
    assert found == {
        "b:tiny&forget=class:0": [(0.1,), (0.3,), (0.5,)],
        "b:tiny&forget=random:0.1": [(0.6,), (0.8,), (1.0,)],
    }
    (alone,) = ladders(frame(*models[:3]))
    assert alone.benchmark == "b"


def test_rho_is_that_of_all_models() -> None:
    rungs = (Rung(0, (0.3, 0.1)), Rung(0.5, (0.2, 0.4)), Rung(1, (0.9, 0.35)))
    expected = spearmanr([0, 0, 0.5, 0.5, 1, 1], [0.3, 0.1, 0.2, 0.4, 0.9, 0.35]).statistic
    assert Ladder("b", "FA", "forget", rungs).rho == pytest.approx(expected)
    assert Ladder("b", "FA", "forget", (Rung(0, (1.0, 1.0)), Rung(1, (1.0,)))).rho is None


def test_a_distance_is_the_mean_over_the_other_oracles() -> None:
    distances = [
        row("oracle", 0, 0.0, seed=0, oracle_seed=0, metric="JS"),
        row("oracle", 0, 0.2, seed=0, oracle_seed=1, metric="JS"),
        row("oracle", 0, 0.2, seed=1, oracle_seed=0, metric="JS"),
        row("reference", 0.5, 0.3, oracle_seed=0, metric="JS"),
        row("reference", 0.5, 0.5, oracle_seed=1, metric="JS"),
    ]
    (found,) = ladders(frame(*distances))
    assert found.rungs == (Rung(0, (0.2, 0.2)), Rung(0.5, (0.4,)))


def test_a_bound_is_not_a_value_and_without_references_there_is_no_ladder() -> None:
    rows = [row("oracle", 0, 0.1), row("original", 1, 1.0)]
    assert ladders(frame(*rows)) == []
    assert ladders(frame(*rows).drop(columns="share")) == []
    rows.append(row("reference", 0.5, 0.6, strength="0.5"))
    rows.append(row("reference", 0.5, 0.1, strength="0.5", seed=1, status="lower_bound"))
    (found,) = ladders(frame(*rows))
    assert found.rungs[1] == Rung(0.5, (0.6,))
