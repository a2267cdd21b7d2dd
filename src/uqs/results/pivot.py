"""Converts the checked long form to a Panel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from uqs.card_metadata import facts_of
from uqs.errors import DataError, UserError
from uqs.metrics.catalogue import CARDS, is_health, symbol_of
from uqs.records import FURTHER, Need, Role, Status
from uqs.results.long_form import KEYS, notes_of, refuse
from uqs.results.panel import Better, FloatArray, Panel
from uqs.results.raw import File
from uqs.stats.noise import pair_distances

Directions = Mapping[str, Better]


def to_panel(
    long: pd.DataFrame, file: File = "table", directions: Directions | None = None
) -> Panel:
    """The Panel of a checked long form: headline splits, models before any attack, means over oracles.

    Models of known truth beside oracles and originals are left out (`uqs.audit.ladder` reads them).
    """
    better, notes = directions_of(long, file, directions), notes_of(long)
    long = long[long["stage"].isin(["", "before"]) & ~long["role"].isin(FURTHER)]
    long = labelled(_headline(long, file))
    key = ["role", "benchmark", "method", "seed", "metric"]
    doubled = long.duplicated([*key, "oracle_seed"])
    refuse(doubled, long, "seed", "is a second row of its benchmark, method and seed", file)
    models = _over_oracles(long, key)
    unlearned = models[models["role"] == Role.UNLEARNED]
    if unlearned.empty:
        raise DataError("contains no unlearned model", file=file)
    unlearned = _ranked(unlearned)
    index = unlearned.set_index([*KEYS, "metric"])
    wide = {name: index[name].unstack("metric") for name in ("value", "se", "n", "status", "bound")}
    rows = wide["value"].index
    metrics = [str(name) for name in wide["value"].columns]

    compared = [name for name in metrics if _compares(name)]

    def known(role: Role, *, oracle: bool) -> dict[tuple[str, str], FloatArray]:
        one = models[(models["role"] == role) & models["value"].notna()]
        one = one[one["of_oracle"] == oracle]
        if (
            role is Role.ORACLE
        ):  # for a metric that needs an oracle, this is a distance between oracles, not a value of one
            one = one[~one["metric"].isin(compared)]
        return {
            (str(benchmark), str(metric)): np.sort(values.to_numpy(dtype=np.float64))
            for (benchmark, metric), values in one.groupby(["benchmark", "metric"])["value"]
        }

    return Panel(
        benchmark=rows.get_level_values("benchmark").to_numpy(dtype=np.str_),
        method=rows.get_level_values("method").to_numpy(dtype=np.str_),
        seed=rows.get_level_values("seed").to_numpy(dtype=np.int64),
        values={name: wide["value"][name].to_numpy(dtype=np.float64) for name in metrics},
        better={name: better[name] for name in metrics},
        errors={name: wide["se"][name].to_numpy(dtype=np.float64) for name in metrics},
        counts={name: wide["n"][name].fillna(0).to_numpy(dtype=np.int64) for name in metrics},
        bounds={name: wide["bound"][name].fillna(0).to_numpy(dtype=np.float64) for name in metrics},
        statuses={
            name: wide["status"][name].fillna(Status.TOO_FEW).to_numpy(dtype=np.str_)
            for name in metrics
        },
        originals=known(Role.ORIGINAL, oracle=False) | known(Role.ORIGINAL, oracle=True),
        oracles=known(Role.ORACLE, oracle=False),
        floors=_floors(long, compared),
        by_oracle=_by_oracle(long, rows),
        notes=(*notes, *_former(long), *_lost(unlearned), *_partly_bounds(unlearned)),
    )


def _by_oracle(long: pd.DataFrame, rows: pd.Index[Any]) -> dict[str, FloatArray]:
    """Values `(rows, oracles)` of the unlearned models for each metric with oracles; bounds are left out."""
    compared = long[(long["role"] == Role.UNLEARNED) & long["oracle_seed"].notna()]
    compared = compared[compared["status"] != Status.LOWER_BOUND]
    return {
        str(metric): part.set_index([*KEYS, "oracle_seed"])["value"]
        .unstack("oracle_seed")
        .reindex(rows)
        .to_numpy(dtype=np.float64)
        for metric, part in compared.groupby("metric")
    }


def _compares(metric: str) -> bool:
    card = CARDS.get(metric)
    return card is not None and Need.ORACLE in card.needs


def _floors(long: pd.DataFrame, compared: list[str]) -> dict[tuple[str, str], FloatArray]:
    """Distances between oracles by benchmark and metric; without oracle seeds, one per oracle row."""
    unpaired = long[
        (long["role"] == Role.ORACLE)
        & long["oracle_seed"].isna()
        & long["metric"].isin(compared)
        & long["value"].notna()
    ]
    found = {
        (str(benchmark), str(metric)): np.sort(values.to_numpy(dtype=np.float64))
        for (benchmark, metric), values in unpaired.groupby(["benchmark", "metric"])["value"]
    }
    return found | {
        (benchmark, metric): distances
        for (benchmark, metric, _), distances in _between_oracles(long).items()
    }


def _former(long: pd.DataFrame) -> Iterator[str]:
    """Metrics that the table has only on a headline split of an earlier version."""
    for metric in map(str, long["metric"].unique()):
        now, here = facts_of(metric), facts_of(metric, long)
        if now is not None and here is not None and here.split in now.formerly:
            yield (
                f"{metric} is that on {here.split}, its headline before version {now.version}; the table has "
                f"none on {now.split}."
            )


def _lost(models: pd.DataFrame) -> Iterator[str]:
    """A sentence for each method with models that have only health values."""
    health = [name for name in models["metric"].unique() if is_health(name)]
    whole = models[~models["metric"].isin(health)]
    whole = whole.assign(known=whole["value"].notna())
    runs = whole.groupby(["benchmark", "method", "seed"])
    known, status = runs["known"].any(), runs["status"].first()
    for benchmark, method in dict.fromkeys((b, m) for b, m, _ in known.index):
        mine = known.loc[(benchmark, method)]
        if mine.all() or not mine.any():
            continue
        why = ", ".join(sorted(set(status.loc[(benchmark, method)][~mine])))
        yield (
            f"{method} has no value in {int((~mine).sum())} of {len(mine)} runs on {benchmark} ({why}). "
            "What is said about it covers only the other runs."
        )


def headline(long: pd.DataFrame, file: File = "table") -> pd.DataFrame:
    """The rows that a Panel is made of, with its names, and those of all models of known truth.

    Headline splits, models before any attack; from a checked long form. DataError as `to_panel`.
    """
    return labelled(_headline(long[long["stage"].isin(["", "before"])], file))


def between_oracles(long: pd.DataFrame) -> dict[tuple[str, str, str], FloatArray]:
    """The distance of each pair of oracles `(pairs,)` by benchmark (as in a Panel), metric and split."""
    return _between_oracles(labelled(long.copy()))


def _between_oracles(long: pd.DataFrame) -> dict[tuple[str, str, str], FloatArray]:
    others = (long["oracle_seed"].notna() & (long["seed"] != long["oracle_seed"])).fillna(False)
    known = long["value"].notna() & (long["status"] != Status.LOWER_BOUND)
    pairs = long[(long["role"] == Role.ORACLE) & others.astype(bool) & known]
    return {
        (str(benchmark), str(metric), str(split)): pair_distances(
            *(part[name].to_numpy(dtype=np.float64) for name in ("seed", "oracle_seed", "value"))
        )
        for (benchmark, metric, split), part in pairs.groupby(["benchmark", "metric", "split"])
    }


def per_model(long: pd.DataFrame) -> pd.DataFrame:
    """The value of every model, metric and split, averaged over oracles.

    From a checked long form. Columns: role, benchmark, method (named as in a Panel), seed, split, metric,
    of_oracle, value, se, n, status.
    """
    key = ["role", "benchmark", "method", "seed", "split", "metric"]
    return _over_oracles(labelled(long.copy()), key)


def directions_of(
    long: pd.DataFrame, file: File = "table", directions: Directions | None = None
) -> dict[str, Better]:
    """Every metric's direction: the given one, else its own, else that of its arrow.

    DataError if a metric has none of them, or if an arrow contradicts the metric's own direction.
    """
    metrics = [str(name) for name in long["metric"].unique()]
    given = {symbol_of(name): better for name, better in (directions or {}).items()}
    if unused := sorted(set(given) - set(metrics)):
        raise UserError(f"--direction names {unused[0]!r}, which is not in {file}")
    pointed = long[long["better"] != ""].groupby("metric")["better"].first().to_dict()
    better: dict[str, Better] = {}
    for name in metrics:
        arrow = pointed.get(name)
        if name in given:
            better[name] = given[name]
        elif (facts := facts_of(name, long)) is not None:
            better[name] = facts.better
            if arrow is not None and arrow != better[name]:
                raise DataError(_against(name, arrow, better[name]), file=file, field=name)
        elif arrow is not None:
            better[name] = arrow
        else:
            problem = (
                f"is a metric of unknown direction; say --direction {name}=lower or {name}=higher, leave it"
                f" out with --drop {name}, or give its name here with --rename {name}=NAME"
            )
            faults = "".join(f" ({fault})" for fault in CARDS.faults())
            raise DataError(problem + faults, file=file, field=name)
    return better


def _against(name: str, arrow: str, own: Better) -> str:
    is_better = "the oracle's value is best" if own == "target" else f"{own} is better"
    return (
        f"its arrow says that {arrow} is better, but for {name} {is_better}; remove the arrow, rename the"
        f" column if it contains something else, or say --direction {name}={own} or {name}={arrow}"
    )


def _headline(long: pd.DataFrame, file: File) -> pd.DataFrame:
    """The rows on each metric's headline split; other splits are details, not more metrics."""
    keep = pd.Series(True, index=long.index)
    for metric, splits in long.groupby("metric")["split"].unique().items():
        named = sorted(set(splits) - {""})
        if (facts := facts_of(str(metric), long)) is not None:
            wanted = {"", facts.split}
        elif len(named) > 1:
            raise DataError(
                f"has several splits ({', '.join(named)}); keep one", file=file, field=str(metric)
            )
        else:
            wanted = {"", *named}
        if not wanted & set(splits):
            problem = (
                f"has no row on its own split, {facts.split!r}, but on {', '.join(named)}; name the split so,"
                f" or leave the metric out with --drop {metric}"
                if facts is not None
                else "has no row"
            )
            raise DataError(problem, file=file, field=str(metric))
        keep &= (long["metric"] != metric) | long["split"].isin(wanted)
    return long[keep].copy()


def labelled(long: pd.DataFrame) -> pd.DataFrame:
    """Benchmark and method names, extended to distinguish variants if there are any.

    A method with only one strength per benchmark keeps its plain name, even if the strengths differ.
    """
    named = with_variants(long)
    return _extended(named, "method", "strength", "@", named["role"] == Role.UNLEARNED)


def with_variants(long: pd.DataFrame) -> pd.DataFrame:
    """Benchmark names, extended by edition, model or arm where a benchmark has several."""
    for variant, mark in (("edition", ":"), ("model", "/"), ("arm", "/")):
        if variant in long:
            long = _extended(long, "benchmark", variant, mark, long["role"] != "")
    return long


def _extended(
    long: pd.DataFrame, name: str, variant: str, mark: str, scope: pd.Series[bool]
) -> pd.DataFrame:
    """Names in the rows of `scope`, with the mark and the variant where a name has several variants."""
    several = long[scope].groupby(["benchmark", "method"] if name == "method" else name)[variant]
    counts = several.nunique()
    names = counts.index[counts > 1].get_level_values(name)
    varied = scope & long[name].isin(names) & (long[variant] != "")
    return long.assign(**{name: long[name].mask(varied, long[name] + mark + long[variant])})


def _over_oracles(long: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """One row per model and metric: the mean over the oracles it was compared with.

    The standard errors share the model's items, so their mean is used, an upper bound. An oracle compared
    with itself is left out. A value is missing if it is missing for every oracle, or if it is only a lower
    bound for one of them (`lower_bound`), because the mean is then a lower bound too.
    """
    itself = (long["role"] == Role.ORACLE) & (long["seed"] == long["oracle_seed"]).fillna(False)
    long = long[~itself.astype(bool)]
    lower = long["status"] == Status.LOWER_BOUND
    value = long["value"].mask(lower)
    bound = long["bound"].fillna(0.0).where(value.notna())
    long = long.assign(
        of_oracle=long["oracle_seed"].notna().astype(bool), lower=lower, value=value, bound=bound
    )
    long = long.sort_values("value", na_position="last", kind="stable")
    grouped = long.groupby([*key, "of_oracle"], sort=True)
    columns = dict.fromkeys(("value", "se", "bound"), "mean")
    found = grouped.agg(columns | {"n": "max", "status": "first", "lower": "any"}).reset_index()
    lower = found.pop("lower")
    found["value"] = found["value"].mask(lower)
    found["status"] = found["status"].mask(lower, str(Status.LOWER_BOUND))
    return found.assign(se=_with_bound(found))


def _with_bound(models: pd.DataFrame) -> pd.Series[float]:
    """Standard errors that include the bound of a value as an independent error."""
    joined = np.hypot(models["se"].fillna(0.0), models["bound"].fillna(0.0))
    return models["se"].where(~(models["bound"] > 0), joined)


def _ranked(models: pd.DataFrame) -> pd.DataFrame:
    """The models, without values of a metric that may be the same for all models of a benchmark.

    If all intervals (value plus or minus bound) share a point, the order of the models is unknown: the values
    then get the status `lower_bound`, because only bounds are known.
    """
    around = models.assign(
        low=models["value"] - models["bound"], high=models["value"] + models["bound"]
    )
    groups = around.groupby(["benchmark", "metric"])
    wide = groups["bound"].transform("max") > 0
    shared = wide & (groups["low"].transform("max") <= groups["high"].transform("min"))
    shared &= models["value"].notna()
    return models.assign(
        value=models["value"].mask(shared),
        status=models["status"].mask(shared, str(Status.LOWER_BOUND)),
    )


def _partly_bounds(models: pd.DataFrame) -> Iterator[str]:
    """A sentence for each metric that is known only as a bound for some models."""
    models = models.assign(
        lower=models["status"] == Status.LOWER_BOUND, known=models["value"].notna()
    )
    counts = models.groupby(["benchmark", "metric"])[["lower", "known"]].sum()
    for (benchmark, metric), (lower, known) in zip(counts.index, counts.to_numpy(), strict=True):
        if lower and known:
            yield (
                f"{metric} of {lower} of {lower + known} models on {benchmark} is known only as a bound; "
                "bounds are not ranked."
            )
