from __future__ import annotations

import numpy as np

from uqs.results.panel import Panel


def panel() -> Panel:
    return Panel(
        benchmark=np.array(["b", "a", "a"]),
        method=np.array(["m", "n", "m"]),
        seed=np.array([1, 1, 1]),
        values={"FA": np.array([1.0, 2.0, 3.0])},
        better={"FA": "lower"},
        errors={"FA": np.array([0.1, 0.2, 0.3])},
        oracles={("a", "FA"): np.array([0.5])},
    )


def test_rows_are_ordered_by_their_key_with_everything_they_carry():
    ordered = panel().ordered()
    assert ordered.benchmark.tolist() == ["a", "a", "b"]
    assert ordered.method.tolist() == ["m", "n", "m"]
    assert ordered.values["FA"].tolist() == [3.0, 2.0, 1.0]
    assert ordered.errors["FA"].tolist() == [0.3, 0.2, 0.1]
    assert ordered.oracles == panel().oracles


def test_names_are_sorted_and_rows_can_be_taken():
    assert (panel().benchmarks, panel().methods) == (("a", "b"), ("m", "n"))
    assert len(panel().take(panel().benchmark == "a")) == 2
