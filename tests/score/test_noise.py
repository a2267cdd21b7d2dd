"""The noise in differences of scores: seeds, oracles, items; against loops and by simulation."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from uqs.errors import DataError, UserError
from uqs.results import items
from uqs.results.items import Item
from uqs.results.tables import from_dataframe
from uqs.score import contributions as parts
from uqs.score import score

METHODS, SEEDS, ENTITIES = 4, 2, 12


def made(rng, *, spread=0.0, entities=ENTITIES, seeds=SEEDS, methods=METHODS, benchmarks=1):
    """A table of FA and RA with its items: entities differ far more than methods on one entity do."""
    rows, samples = [], []
    effect = spread * np.arange(methods) / methods
    for b in range(benchmarks):
        hard = {split: rng.normal(0.5, 0.12, entities) for split in ("forget", "retain")}
        own = {split: rng.normal(0, 0.03, (methods, entities)) for split in ("forget", "retain")}
        for m, seed, (metric, split) in product(
            range(methods), range(seeds), (("FA", "forget"), ("RA", "retain"))
        ):
            values = np.clip(hard[split] + own[split][m] + effect[m], 0, 1)
            samples += [
                (f"b{b}", f"m{m}", seed, split, metric, f"{split}{e}", value)
                for e, value in enumerate(values)
            ]
            rows.append(
                {
                    "benchmark": f"b{b}",
                    "method": f"m{m}",
                    "seed": seed,
                    "metric": metric,
                    "value": values.mean(),
                    "se": values.std(ddof=1) / np.sqrt(entities),
                }
            )
    names = ["benchmark", "method", "seed", "split", "metric", "entity", "value"]
    frame = pd.DataFrame(samples, columns=names)
    frame = frame.assign(role="unlearned", edition="", model="", strength="", oracle_seed=None)
    return pd.DataFrame(rows), frame


def told(result):
    return sum(one.rank_interval != (1, len(result.methods)) for one in result.methods)


def test_contributions_are_deviations_from_the_mean():
    _, frame = made(np.random.default_rng(0))
    found, names = parts.contributions(frame).table("b0", "FA", ("m0", "m1", "m2", "m3"))
    assert names == tuple(sorted(f"forget{e}" for e in range(ENTITIES)))
    for m in range(METHODS):
        own = frame[(frame["method"] == f"m{m}") & (frame["metric"] == "FA") & (frame["seed"] == 0)]
        expected = own.set_index("entity")["value"].loc[list(names)].to_numpy()
        assert found[m] == pytest.approx((expected - expected.mean()) / ENTITIES)


def test_contributions_of_unequal_entities_give_the_clustered_standard_error():
    from uqs.metrics.clustered import clustered_mean

    rng = np.random.default_rng(1)
    sizes = rng.integers(1, 9, 10)
    entity = np.repeat([f"e{i}" for i in range(10)], sizes)
    frames = []
    for method in ("a", "b"):
        frames.append(
            pd.DataFrame({"entity": entity, "value": rng.random(len(entity)), "method": method})
        )
    frame = pd.concat(frames).assign(
        role="unlearned",
        benchmark="b",
        edition="",
        model="",
        strength="",
        seed=0,
        oracle_seed=None,
        split="forget",
        metric="FA",
    )
    table, _ = parts.contributions(frame).table("b", "FA", ("a", "b"))
    for row, one in zip(table, frames, strict=True):
        expected = clustered_mean(one["value"].to_numpy(), one["entity"].tolist()).se
        assert np.sqrt(10 / 9 * (row**2).sum()) == pytest.approx(expected)


def test_membership_advantage_is_read_from_the_placements_of_the_auc():
    """Of four members the best threshold finds three; each hit or miss is an entity's contribution."""
    placed = [1.0, 0.9, 0.8, 0.1]
    frame = pd.DataFrame({"value": placed * 2, "entity": list("wxyz") * 2})
    frame["method"] = ["a"] * 4 + ["b"] * 4
    frame = frame.assign(
        role="unlearned",
        benchmark="b",
        edition="",
        model="",
        strength="",
        seed=0,
        oracle_seed=None,
        split="forget",
        metric="MIA_AUC",
    )
    table, _ = parts.contributions(frame).table("b", "MIA", ("a", "b"))
    assert table[0] == pytest.approx(np.array([0.25, 0.25, 0.25, -0.75]) / 4)


def test_items_are_paired_for_other_questions():
    """Seeds agree exactly, so all that is left is items; paired they tell far more apart."""
    table, frame = made(np.random.default_rng(3), spread=0.2)
    weights = {"FA": 1}
    paired = score(table, weights, questions="other", items=frame)
    unpaired = score(table, weights, questions="other")
    assert told(paired) == METHODS
    assert told(unpaired) < told(paired)
    assert "The items are paired" in " ".join(paired.notes)
    assert "taken as independent between methods" in " ".join(unpaired.notes)
    assert "for these questions" in " ".join(score(table, weights).notes)


def test_standard_errors_are_those_of_the_items():
    table, frame = made(np.random.default_rng(2))
    found = score(table, {"FA": 1}, questions="other", items=frame)
    for one in found.methods:
        own = table[(table["method"] == one.method) & (table["metric"] == "FA")]["se"].mean()
        assert one.se == pytest.approx(own, rel=0.02)  # and half a rounding step


def test_one_run_with_items_tells_methods_apart_and_says_what_of():
    table, frame = made(np.random.default_rng(3), spread=0.3, seeds=1)
    other = score(table, {"FA": 1}, questions="other", items=frame)
    assert told(other) == METHODS
    assert "about these models, not about other runs" in " ".join(other.notes)
    these = score(table, {"FA": 1})
    assert told(these) == 0
    assert "no two methods can be told apart" in " ".join(these.notes)


def test_other_questions_are_refused_without_any_item_noise(table):
    with pytest.raises(UserError, match="needs the items of the run"):
        score(table, questions="other")
    with pytest.raises(UserError, match="unknown questions 'all'"):
        score(table, questions="all")


def test_methods_without_items_are_not_paired():
    table, frame = made(np.random.default_rng(3), spread=0.2)
    found = score(table, {"FA": 1}, questions="other", items=frame[frame["method"] != "m1"])
    assert "The items are paired" not in " ".join(found.notes)


def test_equal_methods_are_seldom_told_apart_on_other_questions():
    rng, tables, wrong = np.random.default_rng(7), 40, 0
    for _ in range(tables):
        table, frame = made(rng, entities=6, seeds=2)
        found = score(table, questions="other", items=frame, draws=500)
        wrong += told(found) > 0
    assert wrong <= stats.binom.ppf(0.999, tables, 0.05)


def with_oracles(rng, oracles, seeds=3, methods=4):
    """JS against each oracle: method x oracle noise as large as method x seed noise."""
    by_oracle = rng.normal(0, 0.02, (methods, 1, oracles))
    by_seed = rng.normal(0, 0.02, (methods, seeds, 1))
    values = 0.4 + by_oracle + by_seed
    return pd.DataFrame(
        [
            ("b", f"m{m}", s, o, "JS", values[m, s, o])
            for m, s, o in product(range(methods), range(seeds), range(oracles))
        ],
        columns=["benchmark", "method", "seed", "oracle_seed", "metric", "value"],
    )


def test_noise_of_shared_oracles_is_in_the_intervals():
    rng, tables, wrong = np.random.default_rng(9), 40, 0
    for _ in range(tables):
        found = score(with_oracles(rng, 3, seeds=6), draws=500)
        wrong += told(found) > 0
    assert wrong <= stats.binom.ppf(0.999, tables, 0.05)
    assert "another oracle" not in " ".join(found.notes)


def test_one_oracle_is_said():
    found = score(with_oracles(np.random.default_rng(0), 1))
    assert "another oracle may order them otherwise" in " ".join(found.notes)


def test_items_are_read_from_a_file(tmp_path):
    _, frame = made(np.random.default_rng(0))
    path = tmp_path / "items.parquet"
    items.write(
        [
            Item(
                row.benchmark,
                "",
                "",
                "unlearned",
                row.method,
                "",
                row.seed,
                None,
                row.split,
                row.metric,
                row.entity,
                row.entity,
                row.value,
            )
            for row in frame.itertuples()
        ],
        path,
    )
    read = parts.contributions(parts.read(path))
    straight = parts.contributions(frame)
    names = tuple(f"m{m}" for m in range(METHODS))
    assert read.table("b0", "FA", names)[0] == pytest.approx(straight.table("b0", "FA", names)[0])
    with pytest.raises(DataError, match="no such file"):
        parts.read(tmp_path / "none.parquet")
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match="not a readable Parquet file"):
        parts.read(bad)
    frame.drop(columns="entity").to_parquet(tmp_path / "short.parquet")
    with pytest.raises(DataError, match="missing column"):
        parts.read(tmp_path / "short.parquet")


def test_a_panel_and_a_dataframe_give_the_same():
    table, frame = made(np.random.default_rng(4), spread=0.1)
    straight = score(table, questions="other", items=frame, draws=300)
    of_panel = score(from_dataframe(table), questions="other", items=frame, draws=300)
    assert [one.rank_interval for one in straight.methods] == [
        one.rank_interval for one in of_panel.methods
    ]


def test_a_method_with_one_run_has_the_pooled_error(make_table):
    """Three runs of the others show the noise of a run; a single one has three times the squared error."""
    table = make_table()
    alone = table[~((table["method"] == "m2") & (table["seed"] > 0))]
    found = {one.method: one.se for one in score(alone, {"FA": 1, "RA": 1}).methods}
    rest = [se for method, se in found.items() if method != "m2"]
    assert min(rest) < found["m2"] <= np.sqrt(3) * min(rest) * 1.001
    assert all(se > 0 for se in rest)


def test_seeds_that_differ_from_method_to_method_are_numbered(make_table):
    table = make_table()
    renamed = table.assign(seed=table["seed"] + 10 * table["method"].str[1:].astype(int))
    straight, other = score(table), score(renamed)
    assert [one.uqs for one in straight.methods] == [one.uqs for one in other.methods]
    for one, two in zip(straight.methods, other.methods, strict=True):
        assert one.se == pytest.approx(two.se)
