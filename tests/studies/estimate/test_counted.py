"""Counts against what PyTorch counts of real passes, and against the committed page on memory."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from uqs import benchmarks
from uqs.errors import DataError
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.settings import TrainerSettings
from uqs.models import adapter
from uqs.models.llava import Llava
from uqs.models.settings import BASES, AdapterSettings
from uqs.studies.estimate.amounts import StepClass
from uqs.studies.estimate.counted import Tokens, _activations, forward, training
from uqs.studies.estimate.ranges import Range
from uqs.studies.estimate.shape import Shape, shape_of
from uqs.studies.model import Model
from uqs.studies.spec import Study

MEMORY = Path(__file__).parents[3] / "perf" / "memory_7b.md"
LLAVA_7B = Shape(
    language=6_476_271_616,
    head=131_334_144,
    vision=324_000_000,
    weights=7_063_000_000,
    trained=8_388_608,
    trains_vision=False,
    layers=32,
    width=4096,
    inner=11008,
    key_values=4096,
    vocabulary=32064,
    picture=576,
    patches=577,
)


def study(kind: Any = "lora", *, checkpointing: bool = False, precision: Any = "float32") -> Study:
    return Study(
        name="counted",
        benchmarks=("mmubench:tiny",),
        model=Model(name="llava", dtype=precision, adapter=AdapterSettings(kind=kind)),
        trainer=TrainerSettings(gradient_checkpointing=checkpointing, precision=precision),
        methods=(),
        seeds=(0,),
    )


@pytest.mark.parametrize("kind", ["lora", "full"])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_operations_of_a_pass_are_those_that_torch_counts(kind: Any, checkpointing: bool) -> None:
    settings = AdapterSettings(kind=kind, r=2, alpha=4)
    shape = shape_of(BASES["tiny_llava"], "llava", settings)
    vlm = Llava.load(BASES["tiny_llava"])
    vlm.model.requires_grad_(False)
    adapter.attach(vlm, settings, seed=0)
    assert shape.trained == sum(p.numel() for p in vlm.model.parameters() if p.requires_grad)
    asked = benchmarks.load("mmubench:tiny").learn["retain"].samples[:1]
    encoded = vlm.encode(asked)
    batch = vlm.batch(encoded, [0])
    prompt, answer = len(encoded.prompts[0]), len(encoded.answers[0])
    assert shape.picture == encoded.prompts[0].count(vlm.picture_token_id)
    tokens = Tokens(
        Range.exactly(prompt - shape.picture), Range.exactly(answer), Range.exactly(0), 1.0
    )
    if checkpointing:
        vlm.plain_model.activation_checkpointing_enable({"use_reentrant": False})
        vlm.plain_model.disable_input_require_grads()
    vlm.model.train()
    with FlopCounterMode(display=False) as count:
        answer_cross_entropy(vlm, batch).backward()
    ours = training(study(kind, checkpointing=checkpointing), shape, tokens)
    assert ours.low == pytest.approx(count.get_total_flops(), rel=0.15)
    with FlopCounterMode(display=False) as count, torch.no_grad():
        vlm.answer_logits(batch)
    ours = forward(shape, tokens.prompt(shape), tokens.answer, 1.0)
    assert ours.low == pytest.approx(count.get_total_flops(), rel=0.15)


def test_activations_are_those_of_the_page_on_memory() -> None:
    """The page's counts agree with PyTorch's allocator; its questions have 636 tokens."""
    text = MEMORY.read_text().split("## Adapter of rank 16 on language.attention")[1]
    rows = re.findall(
        r"\| (one pass|two passes) \(\w+\) \| (\d) \| (no|yes) \| \d+ \| (\d+) \|", text
    )
    assert len(rows) >= 12
    tokens = Tokens(Range.exactly(40), Range.exactly(20), Range.exactly(0), 1.0)
    for passes, batch, on, mebibytes in rows:
        one = study(checkpointing=on == "yes", precision="bfloat16")
        step = StepClass(int(batch), 1 if passes == "one pass" else 2)
        found = _activations(one, LLAVA_7B, tokens, step)
        # what is held for a moment beside the activations, such as the output layer's copies, is workspace
        assert found.low <= int(mebibytes) * 2**20 <= found.high + 1.5e9, (passes, batch, on)


def test_a_text_in_tokens() -> None:
    """19 characters are 4 to 6 tokens, beside the template's 20; the end mark is one more of the answer."""
    (sample,) = benchmarks.load("mmubench:tiny").evaluate["forget"].samples[:1]
    found = Tokens.of([sample])
    assert found.text == Range(20 + len(sample.text) / 5, 20 + len(sample.text) / 3)
    assert found.answer.low == pytest.approx(1 + len(sample.answer) / 5)
    assert found.wrong == Range(0, 0)
    assert found.pictured == 1.0


def test_a_configuration_without_a_size_of_pictures(tmp_path: Path) -> None:
    """Qwen's tokens depend on each picture: nothing is guessed."""
    from transformers import Qwen2VLConfig

    config = Qwen2VLConfig(
        text_config={
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "vocab_size": 64,
            "rope_parameters": {"rope_type": "default", "mrope_section": [2, 3, 3]},
        },
        vision_config={"depth": 1, "embed_dim": 32, "num_heads": 2, "hidden_size": 32},
    )
    config.save_pretrained(tmp_path)
    with pytest.raises(DataError, match="cannot be counted; fetch the model"):
        shape_of(tmp_path, "qwen_vl", AdapterSettings())
