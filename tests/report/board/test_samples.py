"""What the page says of single questions is what stands in items, traces and the shipped edition."""

from __future__ import annotations

import gzip
import io
import json
from base64 import b64decode
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from uqs import benchmarks, results
from uqs.errors import DataError
from uqs.metrics.membership.loss import MembershipAUC
from uqs.metrics.membership.statistics import Scores, auc
from uqs.report.board.live.packing import packed
from uqs.report.board.samples import gather
from uqs.report.board.samples.beside import NO_ITEMS
from uqs.report.board.samples.sheet import NO_TRACES
from uqs.report.board.site import write
from uqs.results import items
from uqs.results.items import Item
from uqs.results.public import MOST_ROWS
from uqs.traces.file import write_traces

KEYS = {"original": "aa", "oracle": "bb", "unlearned": "cc"}


def one_of_each(rows, **changes):
    """FA of an original, an oracle and an unlearned model of one benchmark."""
    found = {
        row.role: replace(row, config_hash=KEYS[row.role], **changes)
        for row in rows
        if row.benchmark == "mmubench" and row.metric == "FA" and row.split == "forget"
    }
    return [found[role] for role in KEYS]


@pytest.fixture
def run(rows, make_trace, tmp_path):
    """A run folder with those models' items and traces."""
    kept = one_of_each(rows)
    results.write(kept, tmp_path / "results.parquet")
    known = []
    for seed, row in enumerate(kept):
        traces = [make_trace(split, seed=seed) for split in ("forget", "holdout")]
        job = tmp_path / "jobs" / f"trace-{row.role}"
        write_traces(traces, job / "here", {})
        places = {"forget": "here", "holdout": "here"}
        (job / "recorded.json").write_text(json.dumps({"places": places}))
        (job / "manifest.json").write_text(
            json.dumps({"kind": "trace", "key": job.name, "inputs": {"model": row.config_hash}})
        )
        made = tmp_path / "jobs" / row.config_hash
        made.mkdir()
        inputs = {"original": "aa"} if row.role == "unlearned" else {}
        (made / "manifest.json").write_text(
            json.dumps({"kind": "unlearn", "key": row.config_hash, "inputs": inputs})
        )
        for at, answer in enumerate(traces[0].answers):
            fields = {name: getattr(row, name) for name in items.KEY if name != "id"}
            item = Item(
                **fields,
                id=f"forget-{at}",
                entity=f"forget-e{at // 4}",
                value=float(answer == "Red."),
            )
            known.append(item)
            if row.role == "unlearned" and answer == "blue" and at % 3 == 0:
                known.append(replace(item, metric="KR", split="forget/reworded", value=1.0))
    items.write(known, tmp_path / "items.parquet")
    return tmp_path


def test_answers_verdicts_probes_and_losses_are_those_of_the_run(run, make_trace):
    (sheet,) = gather.gather(results.read(run / "results.parquet"), run)["sheets"]
    assert [one["id"] for one in sheet["questions"]] == [f"forget-{at}" for at in range(24)]
    by_role = {one["role"]: one for one in sheet["models"]}
    for seed, role in enumerate(KEYS):
        own, trace, other = by_role[role], make_trace(seed=seed), make_trace("holdout", seed=seed)
        assert tuple(sheet["words"][at] for at in own["answers"]) == trace.answers
        assert own["right"] == [int(answer == "Red.") for answer in trace.answers]
        assert own["forget"] == pytest.approx(trace.gold_losses(), rel=1e-5)
        assert own["holdout"] == pytest.approx(other.gold_losses(), rel=1e-5)
        # the scores are those of the attack that the table's MIA_AUC reports
        attack = MembershipAUC()
        exact = auc(
            Scores(attack.score(trace), trace.entities, attack.score(other), other.entities)
        )
        shown = auc(Scores(own["forget"], trace.entities, own["holdout"], other.entities))
        assert shown.value == pytest.approx(exact.value, abs=1e-9)
    unlearned = by_role["unlearned"]
    back = [at for at in range(0, 24, 3) if unlearned["right"][at] == 0]
    assert unlearned["recovered"] == {"reworded": back}
    assert sheet["models"][unlearned["original"]]["role"] == "original"


def test_questions_and_pictures_are_shown_of_the_same_data_alone(rows, tmp_path):
    data = benchmarks.load("mmubench:tiny")
    samples = data.evaluate["forget"].samples
    for data_hash, shown in ((data.data_hash, True), ("0" * 64, False)):
        kept = one_of_each(rows, data_hash=data_hash)
        results.write(kept, tmp_path / "results.parquet")
        fields = {name: getattr(kept[2], name) for name in items.KEY if name != "id"}
        items.write(
            [Item(**fields, id=one.id, entity=one.entity, value=1.0) for one in samples],
            tmp_path / "items.parquet",
        )
        found = gather.gather(kept, tmp_path)
        (sheet,) = found["sheets"]
        first = sheet["questions"][0]
        sample = next(one for one in samples if one.id == first["id"])
        assert first["question"] == (sample.question if shown else "")
        assert any("this version of UQS has others" in line for line in sheet["lacks"]) is not shown
        assert NO_TRACES in sheet["lacks"]
        if shown:
            assert len(found["pictures"]) == len(
                {one.picture.data for one in samples if one.picture}
            )
            opened = Image.open(io.BytesIO(b64decode(found["pictures"][first["picture"]])))
            assert opened.format == "WEBP"
            assert max(opened.size) <= 160
        else:
            assert found["pictures"] == []


def test_a_table_alone_says_what_it_lacks(rows, tmp_path):
    file = tmp_path / "mine.parquet"
    results.write(rows, file)
    sheets = gather.gather(rows, file)["sheets"]
    assert len(sheets) == 3
    assert all(NO_ITEMS in one["lacks"] and NO_TRACES in one["lacks"] for one in sheets)
    assert all(one["questions"] == [] for one in sheets)
    assert {len(one["models"]) for one in sheets} == {4 * 3 + 3 + 2}


def test_answers_beyond_what_a_page_holds_are_of_one_seed_or_none(run, monkeypatch):
    rows = results.read(run / "results.parquet")
    monkeypatch.setattr(gather, "MOST_ANSWERS", 71)
    (sheet,) = gather.gather(rows, run)["sheets"]
    assert all(one["answers"] == [] for one in sheet["models"])
    assert "a page cannot hold so many" in " ".join(sheet["lacks"])
    monkeypatch.setattr(gather, "MOST_MODELS", 2)
    assert gather.gather(rows, run)["sheets"] == []


def test_traces_outside_their_job_are_refused(run):
    file = run / "jobs" / "trace-oracle" / "recorded.json"
    file.write_text(json.dumps({"places": {"forget": "../trace-original/here"}}))
    with pytest.raises(DataError, match="names a folder outside its job"):
        gather.gather(results.read(run / "results.parquet"), run)
    file.write_text("[]")
    with pytest.raises(DataError, match="does not say what was recorded"):
        gather.gather(results.read(run / "results.parquet"), run)


def test_packed_data_close_no_element_and_come_back():
    content = {"words": ["</script><script>alert(1)</script>", "\u202e\x00"]}
    text = packed(content)
    assert not set("<>&\"'") & set(text)
    assert json.loads(gzip.decompress(b64decode(text))) == content
    assert packed(content) == text


@pytest.mark.parametrize("name", ["../../etc", "/etc/passwd", "C:\\x", "~/x", "a\\..\\b", "a\nb"])
def test_names_that_are_paths_are_refused_and_nothing_is_written(rows, make_run, tmp_path, name):
    run = make_run([replace(row, study=name) for row in rows[:12]])
    with pytest.raises(DataError, match="row 1, field 'study'"):
        write([run], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_table_of_a_million_rows_is_refused_unread(tmp_path):
    file = tmp_path / "results.parquet"
    pq.write_table(pa.table({"value": pa.nulls(1_000_000, pa.float64())}), file)
    with pytest.raises(DataError, match=f"has 1,000,000 rows; at most {MOST_ROWS:,} are read"):
        write([tmp_path], tmp_path / "out")
