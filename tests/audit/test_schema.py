"""The JSON schema of an audit, held against audits of tables of every kind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator

from uqs.audit import audit
from uqs.audit.association import TARGETS
from uqs.audit.order import OrderFinding
from uqs.audit.profiles import Basis
from uqs.audit.report_cards import Unusable
from uqs.audit.short import MOST
from uqs.audit.told_finding import Direction, Finding
from uqs.records import Role, Status
from uqs.stats.response import Off

PUBLISHED = Path(str(files("uqs.reproduction") / "multimodal_llava15_7b.csv"))
SCHEMA = json.loads((files("uqs.audit") / "audit.schema.json").read_text("utf-8"))


def told(frame: pd.DataFrame) -> dict[str, Any]:
    """What --json prints, read again."""
    found = audit(frame, rng=np.random.default_rng(0), resamples=100)
    return json.loads(json.dumps(found.to_dict(), allow_nan=False))


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    return told(pd.read_csv(PUBLISHED))


def study(ladder_of: Any) -> pd.DataFrame:
    """A table as a study's: a ladder, models that hide or broke something, methods at two strengths."""
    responses = {"FA": lambda s: 0.1 + 0.8 * s, "JS": lambda s: 0.4 * s, "MIA": lambda s: 0.5}
    full = {"FA": 0.9, "JS": 0.4, "MIA": 0.5}
    rows = ladder_of.trained(responses, seeds=range(4), sd=0.01)
    rows += ladder_of.others("suppressed", "refuse", {**full, "FA": 0.0}, share=1.0)
    rows += ladder_of.others("damaged", "noise", {**full, "JS": 0.1}, share=1.0)
    for at in range(5):
        for strength in ("weak", "strong"):
            own = {"FA": 0.1 * at, "JS": 0.05 * (at + (strength == "weak")), "MIA": 0.5}
            own["oracle_distance"] = 1.0 + at
            made = ladder_of.others("unlearned", f"m{at}", own, seeds=(0, 1))
            rows += [{**row, "strength": strength} for row in made]
    frame = ladder_of.form(rows)
    bounded = frame["metric"].isin(["FA", "JS", "MIA"])
    return frame.assign(
        split=frame["split"].where(bounded, ""),
        method=frame["method"].where(frame["method"] != "", frame["role"]),
        value=frame["value"].where(~bounded, frame["value"].clip(0, 0.69)),
    )


def two_methods() -> pd.DataFrame:
    return pd.DataFrame({"benchmark": "b", "method": ["x", "y"], "seed": 1, "FA": [0.1, 0.4]})


def long_table() -> pd.DataFrame:
    """With stages, missing values, lower bounds, distances to three oracles, and a benchmark without any."""
    draw, rows = np.random.default_rng(1), []
    for benchmark in ("a", "b", "c"):
        for at, method in enumerate(("x", "y", "z", "oracle")):
            for stage in ("before", "relearned", "quantised"):
                row = {"benchmark": benchmark, "method": method, "seed": 0, "stage": stage}
                role = "oracle" if method == "oracle" else "unlearned"
                value = 0.2 * at + 0.1 * draw.random()
                fa = {**row, "role": role, "metric": "FA", "value": value, "status": "ok"}
                if benchmark == "c":
                    fa |= {"value": None, "status": "gate_failed"}
                rows.append(fa)
            for oracle in (0, 1, 2) if benchmark != "c" else ():
                rows += [
                    {
                        **{
                            "benchmark": benchmark,
                            "method": method,
                            "seed": seed,
                            "stage": "before",
                        },
                        **{"role": role, "metric": "JS", "status": "ok", "oracle_seed": oracle},
                        "value": 0.1 * at + 0.05 * draw.random(),
                    }
                    for seed in (0, 1, 2)
                    if role != "oracle" or seed != oracle
                ]
    return pd.DataFrame(rows)


def errors(found: dict[str, Any]) -> list[str]:
    wrong = Draft202012Validator(SCHEMA).iter_errors(found)
    return [f"{one.json_path}: {one.message}" for one in wrong]


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Every part that describes an object with named keys."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict) and "type" in schema:
            yield schema
        for part in schema.values():
            yield from objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from objects(part)


def test_the_schema_is_one_and_knows_every_key():
    Draft202012Validator.check_schema(SCHEMA)
    found = list(objects(SCHEMA))
    assert len(found) > 30
    for part in found:
        assert part["additionalProperties"] is False
        assert set(part["required"]) == set(part["properties"])
        for name, one in part["properties"].items():
            assert "$ref" in one or one["description"], name


def test_published_rows(published):
    assert errors(published) == []
    assert {"agreement", "reliability", "degenerate", "verdicts"} <= set(published)


def test_a_study_with_models_of_known_truth(ladder_of):
    found = told(study(ladder_of))
    assert errors(found) == []
    for part in ("report_cards", "known_shares", "profiles", "told", "strengths", "resolution"):
        assert found[part], part
    cards = [card for card in found["report_cards"] if card["usable"]]
    assert any(card["blind"] for card in cards) and any(card["fooled"] for card in cards)


def test_two_methods_on_one_benchmark():
    found = told(two_methods())
    assert errors(found) == []
    assert found["design"]["min_p"] is not None and not found["reliability"]


def test_a_long_table_with_stages_and_oracles():
    found = told(long_table())
    assert errors(found) == []
    assert found["meta_evaluation"] and found["level"]
    assert "gate_failed" in {one["status"] for one in found["degenerate"]}


def test_references_alone(ladder_of):
    whole = study(ladder_of)
    found = told(whole[whole["role"] != "unlearned"])
    assert errors(found) == []
    assert found["report_cards"] and found["known_shares"] and not found["resolution"]
    assert found["report_cards"] == told(whole)["report_cards"]


def test_a_key_or_word_without_schema_is_found(published):
    assert errors({**published, "new": 1})
    assert errors({key: one for key, one in published.items() if key != "verdicts"})
    assert errors({**published, "design": {**published["design"], "new": 1}})
    first, *rest = published["degenerate"]
    assert errors({**published, "degenerate": [{**first, "status": "odd"}, *rest]})
    assert errors({**published, "design": {**published["design"], "min_p": 1.5}})


def test_its_words_are_those_of_the_code():
    parts = SCHEMA["properties"]

    def words(part: str, key: str) -> set[object]:
        return set(parts[part]["items"]["properties"][key]["enum"])

    assert set(SCHEMA["$defs"]["status"]["enum"]) == set(Status)
    assert set(SCHEMA["$defs"]["role"]["enum"]) == set(Role)
    assert set(SCHEMA["$defs"]["known_share"]["properties"]["off"]["enum"]) == set(get_args(Off))
    assert words("resolution", "status") == set(OrderFinding)
    assert words("told", "finding") == set(Finding)
    assert words("told", "direction") == {*Direction, None}
    assert words("report_cards", "why") == set(get_args(Unusable))
    assert words("profiles", "basis") == set(get_args(Basis))
    assert words("reliability", "target") == set(TARGETS)
    assert parts["in_short"]["maxItems"] == MOST
