"""What a table says of oracles, and what it must not be taken to say."""

from __future__ import annotations

import pandas as pd
import pytest

from uqs.errors import DataError
from uqs.gaps import against
from uqs.results.tables import from_dataframe


def wide() -> pd.DataFrame:
    rows = [
        ("b", f"m{m}", s, 0.1 * m + 0.01 * s, 0.3 + 0.1 * m) for m in range(3) for s in range(2)
    ]
    return pd.DataFrame(rows, columns=["benchmark", "method", "seed", "FA", "AD"])


def test_distances_of_oracles_without_seeds_are_distances_between_oracles() -> None:
    oracles = pd.DataFrame(
        [("b", "retrain", s, 0.05, v, "oracle") for s, v in ((0, 0.305), (1, 0.31))],
        columns=["benchmark", "method", "seed", "FA", "AD", "role"],
    )
    panel = from_dataframe(pd.concat([wide().assign(role="unlearned"), oracles]))
    assert ("b", "AD") not in panel.oracles
    assert panel.floors["b", "AD"].tolist() == [0.305, 0.31]
    assert panel.oracles["b", "FA"].tolist() == [0.05, 0.05]


def test_a_known_metric_on_other_splits_alone_is_refused() -> None:
    long = wide().melt(["benchmark", "method", "seed"], var_name="metric")
    long["split"] = long["metric"].map({"FA": "forget_set", "AD": "forget"})
    with pytest.raises(DataError, match=r"'FA'.*own split, 'forget'.*--drop FA"):
        from_dataframe(long)


def test_oracles_that_differ_by_rounding_have_no_spread() -> None:
    assert against(0.31, [0.3, 0.1 + 0.2], 2).z is None
    assert against(0.31, [0.3, 0.302], 2).z is not None
