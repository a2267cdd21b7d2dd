"""`uqs measure` and `uqs trace` as a user runs them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from uqs import benchmarks, results
from uqs.cli import options
from uqs.cli.several import spread
from uqs.traces.settings import TraceSettings

if TYPE_CHECKING:
    from torch import Tensor

pytestmark = pytest.mark.usefixtures("ignorant_originals")


@pytest.fixture(scope="module")
def adapters(make_adapter, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:  # type: ignore[no-untyped-def]
    top = tmp_path_factory.mktemp("adapters")
    return [make_adapter(top / f"m{seed}", seed) for seed in range(2)]


def common(adapters: list[Path], small: str, folder: Path) -> list[object]:
    return [
        *("measure", "--original", adapters[0], "--benchmark", small, "--cache", folder / "cache"),
        *("--max-new-tokens", 4, "--metrics", "FA,RA,JS"),
    ]


def test_a_call_writes_a_table_and_says_what_is_missing(
    uqs, adapters, small, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    out, values = tmp_path / "r.parquet", tmp_path / "s.parquet"
    done = uqs(
        *common(adapters, small, tmp_path),
        *("--unlearned", f"npo={adapters[1]}", "--out", out, "--per-sample", values),
    )
    assert done.code == 0, done.err
    rows = results.read(out)
    assert {row.role for row in rows} == {"original", "unlearned"}
    assert "npo" in done.out
    assert "without an oracle there are no values of JS" in done.out
    noted = benchmarks.load(small).notes
    assert noted
    assert all(f"- {small}: {line}\n" in done.out for line in noted)
    assert {"id", "entity", "metric", "value"} <= set(pq.read_schema(values).names)


def test_several_models_may_follow_one_option(uqs, adapters, small, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "r.parquet"
    done = uqs(
        *common(adapters, small, tmp_path),
        *("--unlearned", f"npo={adapters[1]}", f"dpo={adapters[1]}"),
        *("--oracle", adapters[0], adapters[1], "--out", out),
    )
    assert done.code == 0, done.err
    rows = results.read(out)
    assert {row.method for row in rows if row.role == "unlearned"} == {"npo", "dpo"}
    assert {row.seed for row in rows if row.role == "oracle"} == {0, 1}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (["--oracle", "a", "b", "--out", "x"], ["--oracle", "a", "--oracle", "b", "--out", "x"]),
        (["--oracle", "--out", "x"], ["--oracle", "--out", "x"]),
        (["--oracle=a", "b"], ["--oracle=a", "b"]),
        (["--out", "x", "stray"], ["--out", "x", "stray"]),
    ],
)
def test_values_are_spread_over_their_option(given: list[str], wanted: list[str]) -> None:
    assert spread(given, {"--unlearned", "--oracle"}) == wanted


def test_what_belongs_to_no_option_is_an_error(uqs, adapters, small, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    done = uqs(*common(adapters, small, tmp_path), "--out", tmp_path / "r.parquet", "stray")
    assert done.code == 2
    assert "stray" in done.err
    done = uqs(*common(adapters, small, tmp_path), "--oracle", "--out", tmp_path / "r.parquet")
    assert done.code == 2


def test_finished_models_stay_measured_where_one_fails(
    uqs, adapters, small, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    broken.mkdir()
    for file in adapters[1].iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    weights = load_file(broken / "adapter_model.safetensors")
    save_file(
        {k: v * float("inf") for k, v in weights.items()}, broken / "adapter_model.safetensors"
    )
    out = tmp_path / "r.parquet"
    done = uqs(
        *common(adapters, small, tmp_path),
        *("--unlearned", broken, "--unlearned", f"npo={adapters[1]}", "--out", out),
    )
    assert done.code == 2
    assert done.err.splitlines()[-1].startswith("error: broken seed 0: ")
    assert "NaN or infinite weights" in done.err
    assert {row.method for row in results.read(out)} == {"original", "npo"}


def changed(source: Path, folder: Path, how: Callable[[dict[str, Tensor]], object]) -> Path:
    """A copy of a model or an adapter with other tensors."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(source, folder)
    file = next(folder.glob("*model.safetensors"))
    tensors = load_file(file)
    how(tensors)
    save_file(tensors, file, metadata={"format": "pt"})
    return folder


def test_broken_checkpoints_are_refused_by_their_keys_and_the_others_measured(
    uqs, base, adapters, small, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    def lose(tensors: dict[str, Tensor]) -> None:
        tensors.pop(
            next(key for key in sorted(tensors) if key.endswith("layers.1.mlp.up_proj.weight"))
        )

    def wrap(tensors: dict[str, Tensor]) -> None:
        key = next(
            key for key in sorted(tensors) if key.endswith("q_proj.weight") and "vision" not in key
        )
        tensors[key.replace("q_proj", "q_proj.base_layer")] = tensors.pop(key)

    def cut(tensors: dict[str, Tensor]) -> None:
        tensors.update({k: t[:3].contiguous() for k, t in tensors.items() if "lora_A" in k})

    def deepen(tensors: dict[str, Tensor]) -> None:
        key = next(iter(sorted(tensors)))
        tensors[key.replace("layers.0", "layers.7")] = tensors.pop(key)

    broken = [
        f"lost={changed(base, tmp_path / 'lost', lose)}",
        f"wrapped={changed(base, tmp_path / 'wrapped', wrap)}",
        f"cut={changed(adapters[1], tmp_path / 'cut', cut)}",
        f"deep={changed(adapters[1], tmp_path / 'deep', deepen)}",
    ]
    out = tmp_path / "r.parquet"
    done = uqs(
        *common(adapters, small, tmp_path),
        *("--unlearned", *broken, f"npo={adapters[1]}", f"whole={base}", "--out", out),
    )
    assert done.code == 2
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 4
    for line, said in zip(
        errors,
        (
            ("lost seed 0: ", "/lost: ", "1 missing (", "layers.1.mlp.up_proj.weight)"),
            ("wrapped seed 0: ", "q_proj.weight); 1 unexpected (", "q_proj.base_layer.weight)"),
            ("cut seed 0: ", "/cut: ", "size mismatch", "lora_A"),
            ("deep seed 0: ", "layers.7", "it belongs to another base"),
        ),
        strict=True,
    ):
        for words in said:
            assert words in line
    assert {row.method for row in results.read(out)} == {"original", "npo", "whole"}


@pytest.mark.parametrize("verb", ["trace", "unlearn"])
def test_every_verb_refuses_a_broken_model(uqs, base, small, tmp_path: Path, verb: str) -> None:  # type: ignore[no-untyped-def]
    def lose(tensors: dict[str, Tensor]) -> None:
        tensors.pop(next(key for key in tensors if "vision_tower" in key))

    broken = changed(base, tmp_path / "broken", lose)
    model = ("--model",) if verb == "trace" else ("--method", "gradient_ascent", "--original")
    done = uqs(verb, *model, broken, "--benchmark", small, "--out", tmp_path / "out")
    assert done.code == 2
    line = done.err.splitlines()[-1]
    assert "/broken: its weights are not the model's: 1 missing (" in line
    assert "vision_tower" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"--original": "/nowhere"}, "no folder '/nowhere', and it is not a hub id (owner/name)"),
        (
            {"--benchmark": "unlok_vqa:/nowhere"},
            "unlok_vqa: no folder '/nowhere'; write 'unlok_vqa:tiny'",
        ),
        ({"--metrics": "FA,RB"}, "unknown metric 'RB'"),
        ({"--out": "r.csv"}, "is written as Parquet"),
        ({"--out": "/nowhere/r.parquet"}, "the folder '/nowhere' does not exist"),
        ({"--batch-size": "0"}, "batch-size"),
    ],
)
def test_bad_requests_are_one_line_and_write_nothing(
    uqs, adapters, small, tmp_path: Path, change: dict[str, str], message: str
) -> None:  # type: ignore[no-untyped-def]
    given = {
        "--original": str(adapters[0]),
        "--benchmark": small,
        "--out": str(tmp_path / "r.parquet"),
        "--cache": str(tmp_path / "cache"),
    } | change
    done = uqs("measure", *(word for pair in given.items() for word in pair))
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert message in done.err
    assert list(tmp_path.iterdir()) == []


def test_traces_are_written_once(uqs, adapters, small, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    arguments = [
        *("trace", "--model", adapters[0], "--benchmark", small, "--out", tmp_path / "t"),
        *("--cache", tmp_path / "cache", "--metrics", "FA", "--max-new-tokens", 4),
    ]
    done = uqs(*arguments)
    assert done.code == 0, done.err
    assert "forget: " in done.out
    assert (tmp_path / "t" / "trace.json").is_file()
    again = uqs(*arguments)
    assert again.code == 2
    assert "exists already" in again.err


def test_without_torch_it_says_what_to_install(uqs, monkeypatch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    def find(name: str) -> None:
        return None

    monkeypatch.setattr("uqs.training_extra.find_spec", find)
    for verb, task in (("measure", "measuring"), ("trace", "tracing")):
        model = "--original" if verb == "measure" else "--model"
        out = tmp_path / ("r.parquet" if verb == "measure" else "traces")
        done = uqs(verb, model, tmp_path, "--benchmark", "mmubench", "--out", out)
        assert done.code == 2
        assert f"torch is not installed; {task} needs: pip install 'uqs[run]'" in done.err


def test_the_defaults_are_those_of_the_settings() -> None:
    """They are written again so that the command line loads no pydantic."""
    settings = TraceSettings()
    assert (settings.batch_size, settings.batch_tokens) == (
        options.BATCH_SIZE,
        options.BATCH_TOKENS,
    )
    assert (settings.max_new_tokens, settings.top_k) == (options.MAX_NEW_TOKENS, options.TOP_K)
    assert settings.workers == options.THREADS


def test_an_interrupt_is_told(uqs, adapters, small, monkeypatch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    def interrupt(*given: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("uqs.evaluation.run.measure", interrupt)
    done = uqs(*common(adapters, small, tmp_path), "--out", tmp_path / "r.parquet")
    assert (done.code, done.out) == (130, "")
    assert done.err == "interrupted; finished traces are kept\n"
