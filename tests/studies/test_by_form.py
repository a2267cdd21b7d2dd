"""A study that measures its models by each form of question, from the same traces."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from uqs import benchmarks, results
from uqs.cli.validate import summary
from uqs.errors import DataError
from uqs.forms import ASKED
from uqs.models import adapter
from uqs.models.settings import AdapterSettings
from uqs.models.tiny_llava import TinyLlava
from uqs.studies.jobs import Job, Kind
from uqs.studies.plan import Plan, make_plan
from uqs.studies.spec import Traces, read_study
from uqs.studies.work import run

if TYPE_CHECKING:
    from conftest import Bench

WHOLE = "mllmu_bench:tiny&forget_by=picture"
ARMS = [WHOLE, f"{WHOLE}{ASKED}text", f"{WHOLE}{ASKED}both"]


@pytest.fixture
def plan(bench: Bench) -> Plan:
    names = WHOLE, "mmubench:tiny"
    study = bench.toy.plan().study.model_copy(
        update={"benchmarks": names, "ask_by": ("text", "both")}
    )
    return make_plan(study, {name: f"data of {name}" for name in names}, "base")


def test_only_measuring_and_gates_are_done_for_each_form(plan: Plan) -> None:
    models = 2 + 2 + 2 * 2
    kinds = Counter(job.kind for job in plan.jobs if job.params.get("benchmark") != "mmubench:tiny")
    assert kinds == {
        "base": 1,
        "train": 4,
        "unlearn": 4,
        "trace": models,
        "gates": 3,
        "measure": 3 * models + models,
    }
    assert list(plan.gates) == [*ARMS, "mmubench:tiny"]
    assert {model.benchmark for model in plan.models} == {*ARMS, "mmubench:tiny"}
    by_model: dict[str, set[str]] = {}
    for model in plan.models:
        by_model.setdefault(model.trace, set()).add(model.benchmark)
    assert sorted(map(len, by_model.values())) == [1] * models + [3] * models
    assert "models      4 originals, 4 oracles, 8 unlearned models\n" in summary(plan)


def test_rows_of_a_form_have_its_edition_and_gates(bench: Bench) -> None:
    """The gates of one form stop its own rows; those of the whole benchmark stop every form."""
    by_text = "mllmu_bench:tiny&forget_by=text"
    study = bench.toy.plan().study.model_copy(
        update={"benchmarks": (WHOLE, by_text), "ask_by": ("text", "both"), "seeds": (42,)}
    )
    plan = make_plan(study, {name: f"data of {name}" for name in (WHOLE, by_text)}, "base")
    bench.rules({f"gates {ARMS[1]}": "fail gates", f"gates {by_text}": "fail gates"})
    bench.run(plan, workers=1)
    rows = results.read(bench.store / "results.parquet")
    found = {}
    for name in plan.gates:
        own = [row for row in rows if row.edition == name.partition(":")[2]]
        (found[name],) = {row.status for row in own if row.role == "unlearned"}
        whole, mark, form = name.partition(ASKED)
        assert {row.data_hash for row in own} == {f"data of {whole}{mark}{form}"}
        assert {row.status for row in own if row.role == "original"} == {"ok"}
    stopped = {name for name, status in found.items() if status == "gate_failed"}
    assert stopped == {ARMS[1], *(name for name in plan.gates if name.startswith(by_text))}
    assert {found[name] for name in ARMS} == {"ok", "gate_failed"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"ask_by": ["text"]}, "ask_by"),
        ({"ask_by": ["sound"], "benchmarks": [WHOLE]}, "ask_by"),
        ({"ask_by": ["text", "text"], "benchmarks": [WHOLE]}, "ask_by"),
        ({"benchmarks": [ARMS[1]]}, "benchmarks"),
    ],
)
def test_what_a_study_cannot_ask(tmp_path: Path, change: dict[str, Any], field: str) -> None:
    study = {
        "name": "small",
        "benchmarks": ["mmubench:tiny"],
        "model": {"name": "tiny_llava"},
        "methods": ["gradient_ascent"],
        "seeds": [1],
    }
    file = tmp_path / "study.yaml"
    file.write_text(json.dumps(study | change))
    with pytest.raises(DataError, match=f"field '{field}"):
        read_study(file)


def test_jobs_read_the_questions_of_their_form(tmp_path: Path, one_thread: None) -> None:
    """A base that learnt nothing, on four people a split: only what is read counts here."""
    name = f"{WHOLE}#2"
    data = benchmarks.load(name)

    def made(kind: Kind, folder: str, inputs: dict[str, Path], **params: object) -> Path:
        about = {
            "benchmark": name,
            "data_hash": data.data_hash,
            "model": "tiny_llava",
            "seed": 1,
            "traces": Traces(max_new_tokens=4, layers=(-1,)).content(),
        }
        out = tmp_path / folder
        out.mkdir()
        run(Job(kind, "", {**about, **params}, {}), inputs, out)
        return out

    base = made("base", "base", {})
    model = tmp_path / "model"
    vlm = TinyLlava.load(base)
    adapter.attach(vlm, AdapterSettings(r=2, targets="language.attention"), seed=0)
    adapter.save(vlm, model)
    trace = made("trace", "trace", {"base": base, "model": model}, role="original", needs=[])
    limits = {"accuracy": 0.0, "known": 0.75, "entities": 1.0, "share": 0.3}
    told = {"original_1": {"share": 1.0, "seed": 1, "retain_missing": 0.0}}
    shuffled, facts = {}, {}
    for form in ("picture", "text", None):
        asked = {"ask_by": form} if form else {}
        gates = made(
            "gates",
            f"gates {form}",
            {"original_1": trace},
            limits=limits,
            starts=["original_1"],
            taught=told,
            **asked,
        )
        checks = json.loads((gates / "gates.json").read_text())["checks"]
        shuffled[form] = "shuffled_pictures" in {check["gate"] for check in checks}
        measured = made(
            "measure",
            f"measure {form}",
            {"base": base, "gates": gates, "model": model, "trace": trace},
            role="original",
            metrics=["forget_accuracy", "cross_modal_disagreement"],
            oracle_seeds=[],
            **asked,
        )
        rows = json.loads((measured / "measurements.json").read_text())["measured"]
        facts[form] = {row["metric"]: row["n"] for row in rows if row["split"] == "forget"}
    assert shuffled == {"picture": True, "text": False, None: True}
    each = len(data.evaluate["forget"]) // 3
    alone = {"FA": each, "CMD": 0}
    assert facts == {"picture": alone, "text": alone, None: {"FA": 3 * each, "CMD": each}}
