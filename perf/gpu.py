"""Seconds and memory of a study's steps on an accelerator: `python perf/gpu.py > perf/gpu.md`.

Builds LLaVA-1.5-7B from its configuration on the device in bfloat16, with random weights (nothing is
downloaded), and takes an optimizer step of an original, one of each cost class of method, and a traced
batch, by the project's own loops. Without an accelerator the shipped tiny model goes the same way, and the
page says so.
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # deterministic products on a GPU

import platform
from collections.abc import Iterator
from typing import NamedTuple

import torch
from memory_7b import GIB, LLAVA_7B
from transformers import CLIPImageProcessorPil, LlavaForConditionalGeneration, LlavaProcessor

from uqs import benchmarks
from uqs.methods.cards import CARDS
from uqs.methods.settings import TrainerSettings
from uqs.models import adapter, corpus
from uqs.models.llava import Llava
from uqs.models.settings import AdapterSettings
from uqs.models.tiny_llava import TinyLlava, build_tokenizer
from uqs.models.vlm import VLM
from uqs.records import Split
from uqs.studies.estimate.amounts import StepClass
from uqs.studies.estimate.passes import intervals
from uqs.studies.estimate.probe import clock_of, peak
from uqs.studies.work import quiet
from uqs.traces.one_pass import HalvedBatch, trace_split
from uqs.traces.settings import TraceSettings

BATCH, TRACED, STEPS = 2, 64, 3
SIDE = 336
DATA = "unlok_vqa:tiny"


class Measured(NamedTuple):
    what: str
    seconds: float
    gib: float


def llava_7b(device: str) -> VLM:
    """Random weights; a tokenizer of whole words stands in for Llama's, which has as many rows."""
    tokenizer = build_tokenizer(corpus.words())
    LLAVA_7B.image_token_index = tokenizer.convert_tokens_to_ids("<image>")
    torch.set_default_dtype(torch.bfloat16)
    with torch.device(device):
        model = LlavaForConditionalGeneration(LLAVA_7B)
    torch.set_default_dtype(torch.float32)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    size = {"height": SIDE, "width": SIDE}
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=size),
        tokenizer=tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )
    return Llava(model.eval(), processor)


def opened(device: str) -> VLM:
    vlm = TinyLlava.load(TinyLlava.base_folder()) if device == "cpu" else llava_7b(device)
    vlm.model.requires_grad_(False)
    settings = AdapterSettings(r=8, alpha=16, dropout=0.05, targets="language.attention")
    adapter.attach(vlm, settings, seed=0)
    return vlm


def classes() -> dict[StepClass, list[str]]:
    """The cost classes of all methods that take steps, and whose they are."""
    found: dict[StepClass, list[str]] = {StepClass(BATCH, 1): []}
    for name, card in sorted(CARDS.items()):
        if "steps" in card.settings.model_fields and name != "retrain":
            step = StepClass(BATCH, int(card.passes.training), int(card.passes.forward))
            found.setdefault(step, []).append(name)
    return found


def rows(vlm: VLM, device: str) -> Iterator[Measured]:
    clock = clock_of(device)
    learn = benchmarks.load(DATA).learn["retain"].samples
    on_gpu = device != "cpu"
    trainer = TrainerSettings(
        precision="bfloat16" if on_gpu else "float32", gradient_checkpointing=True
    )
    for number, (step, methods) in enumerate(classes().items()):
        reset(device)
        times = intervals(vlm, step, learn, (), trainer, STEPS, clock)
        passes = f"{step.training} with gradients, {step.forward} without"
        whose = ", ".join((["an original, an oracle"] if number == 0 else []) + methods)
        yield Measured(
            f"step of {BATCH}; passes: {passes} ({whose})", min(times), peak(device) / GIB
        )
    halved: list[HalvedBatch] = []
    split = Split("forget", learn[:TRACED])
    settings = TraceSettings(max_new_tokens=16)
    trace_split(vlm, Split("forget", learn[:2]), settings)
    reset(device)
    begin = clock()
    trace_split(vlm, split, settings, halved.append)
    said = f", in halves {len(halved)} times" if halved else ""
    yield Measured(f"traced batch of {TRACED}{said}", clock() - begin, peak(device) / GIB)


def reset(device: str) -> None:
    if device != "cpu":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def main() -> None:
    torch.set_num_threads(1)
    on_gpu = torch.cuda.is_available()
    device = "cuda" if on_gpu else "cpu"
    quiet(torch.device(device))
    vlm = opened(device)
    where = torch.cuda.get_device_name() if on_gpu else "one thread of a CPU"
    what = (
        "LLaVA-1.5-7B with random weights in bfloat16"
        if on_gpu
        else "**No accelerator was at hand: this is the tiny model, in float32**"
    )
    memory = "reserved by PyTorch at the most" if on_gpu else "of the whole process, until then"
    print(
        f"# Steps on an accelerator\n\n`python perf/gpu.py > perf/gpu.md`. {what}, on {where}; Python "
        f"{platform.python_version()}, torch {torch.__version__}. LoRA r 8, dropout .05, on q, k, v and o, "
        f"with gradient checkpointing. Seconds: the fastest of {STEPS} steps after a first one"
        f"{'' if on_gpu else ', of processor time'}. Memory: {memory}.\n\n"
        "| what | seconds | GiB |\n|---|---:|---:|"
    )
    for one in rows(vlm, device):
        print(f"| {one.what} | {one.seconds:.3g} | {one.gib:.2f} |", flush=True)


if __name__ == "__main__":
    main()
