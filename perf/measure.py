"""What does measuring a checkpoint cost? Prints Markdown: `python perf/measure.py > perf/measure.md`.

Three ways over the same questions, each in a process of its own, so that its peak memory is its own:

- plain: one pass a metric at batch size 1, as the published procedure does it, with the base read again for
  every checkpoint;
- one pass: what `uqs measure` does: one base, adapters swapped, one pass a checkpoint, all metrics from it;
- generation: `generate` alone, in the same batches as the one pass.

`--model llava-7b` takes a LLaVA-1.5-7B with random weights in bfloat16, which needs a GPU of 24 GB or more.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from uqs import benchmarks
from uqs.checkpoints.find import Checkpoint
from uqs.checkpoints.open import Models
from uqs.metrics.base import Evidence, MetricResult, References
from uqs.models.llava import Llava
from uqs.models.settings import BASES, AdapterSettings
from uqs.models.vlm import VLM
from uqs.questions.candidates import with_candidates
from uqs.records import Sample, Split
from uqs.traces.judged import right_answers
from uqs.traces.one_pass import trace_split
from uqs.traces.settings import TraceSettings

BENCHMARK = "mllmu_bench:tiny"
SPLITS = ("forget", "retain", "holdout")
REPEATS = 5
SEEDS = (0, 1)


@dataclass(frozen=True)
class Case:
    """A model to measure: where its base and adapters are, and how much is asked."""

    name: str
    base: Path
    adapters: tuple[Path, ...]
    samples: int
    max_new_tokens: int
    batch_size: int

    def splits(self) -> dict[str, Split]:
        data = benchmarks.load(BENCHMARK)
        found = {}
        for name in SPLITS:
            some = data.evaluate[name].samples
            step = max(1, len(some) // self.samples)
            split = Split(name, some[::step][: self.samples])
            found[name] = with_candidates(split, data)
        return found

    def settings(self) -> TraceSettings:
        return TraceSettings(max_new_tokens=self.max_new_tokens, batch_size=self.batch_size)

    def checkpoints(self) -> list[Checkpoint]:
        return [Checkpoint(folder, "adapter", self.name, self.base) for folder in self.adapters]


@dataclass
class Clock:
    """Seconds by what they were spent on."""

    spent: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        _wait()
        begin = time.perf_counter()
        yield
        _wait()
        self.spent[what] = self.spent.get(what, 0.0) + time.perf_counter() - begin


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def one_pass(case: Case, clock: Clock) -> dict[str, Any]:
    """Every checkpoint in one pass, then every metric that the traces alone give."""
    from uqs import registry
    from uqs.evaluation.rows import measured
    from uqs.metrics.catalogue import metric_card

    models, splits, found = Models(), case.splits(), {}
    names = [
        name
        for name in registry.names("metric")
        if metric_card(name).needs <= {"oracle", "candidates"}
    ]
    evidence = []
    for checkpoint in case.checkpoints():
        with clock.on("loading"):
            opened = models.opened(checkpoint)
            vlm = opened.__enter__()
        with clock.on("pass"):
            traces = {name: trace_split(vlm, s, case.settings()) for name, s in splits.items()}
        opened.__exit__(None, None, None)
        evidence.append(Evidence(traces))
    model, oracle = evidence
    with clock.on("metrics"):
        rows = list(measured(names, model, References({0: oracle})))
    assert all(isinstance(row, MetricResult) for row in rows)
    found["rows"] = len(rows)
    found["metrics"] = len(names)
    for name, trace in model.traces.items():
        found[f"right {name}"] = float(right_answers(trace).sum())
        found[f"loss {name}"] = float(trace.gold_losses().mean())
    return found


def generation(case: Case, clock: Clock) -> dict[str, Any]:
    """Greedy answers alone, in batches of like length."""
    models, splits = Models(), case.splits()
    for checkpoint in case.checkpoints():
        with models.opened(checkpoint) as vlm, clock.on("pass"), torch.inference_mode():
            for split in splits.values():
                encoded = vlm.encode(split.samples)
                order = sorted(range(len(encoded)), key=lambda i: len(encoded.prompts[i]))
                for start in range(0, len(order), case.batch_size):
                    rows = order[start : start + case.batch_size]
                    _generate(vlm, [split.samples[i] for i in rows], case)
    return {}


def _generate(vlm: VLM, samples: Sequence[Sample], case: Case) -> list[str]:
    """What a plain caller does: encode, pad on the left, `generate`."""
    encoded = vlm.encode(samples)
    width = max(map(len, encoded.prompts))
    pad = vlm.tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (width - len(p)) + list(p) for p in encoded.prompts])
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in encoded.prompts])
    out = vlm.model.generate(
        input_ids=ids.to(vlm.model.device),
        attention_mask=mask.to(vlm.model.device),
        **_pictures(vlm, encoded.shown(range(len(samples)))),
        do_sample=False,
        num_beams=1,
        max_new_tokens=case.max_new_tokens,
    )
    texts: list[str] = vlm.tokenizer.batch_decode(out[:, width:], skip_special_tokens=True)
    return [text.strip() for text in texts]


def _pictures(vlm: VLM, shown: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: t.to(vlm.model.device, vlm.model.dtype) for name, t in shown.items()}


def plain(case: Case, clock: Clock) -> dict[str, Any]:
    """A pass of its own for every metric, one question at a time."""
    splits, found = case.splits(), {}
    members = [*splits["forget"].samples, *splits["holdout"].samples]
    everything = [sample for split in splits.values() for sample in split.samples]
    for number, checkpoint in enumerate(case.checkpoints()):
        models = Models()
        with clock.on("loading"):
            opened = models.opened(checkpoint)
            vlm = opened.__enter__()
        with clock.on("published: accuracy"), torch.inference_mode():
            answers = [_generate(vlm, [sample], case)[0] for sample in everything]
        with clock.on("published: membership"), torch.inference_mode():
            for sample in members:
                _log_probs(_forward(vlm, sample))
        with clock.on("published: activation distance"), torch.inference_mode():
            for sample in splits["forget"].samples:
                _forward(vlm, sample, output_hidden_states=True)
        with clock.on("published: JS"), torch.inference_mode():
            for sample in splits["forget"].samples:
                _forward(vlm, sample)[0].softmax(-1)
        with clock.on("Min-K%++"), torch.inference_mode():
            for sample in members:
                log_probs = _forward(vlm, sample)[0].log_softmax(-1)
                (log_probs.exp() * log_probs.square()).sum(-1)
        with clock.on("gradient norm"):
            for sample in members:
                _gradient_norm(vlm, sample)
        with clock.on("probability, memorisation"), torch.inference_mode():
            losses = [float(-_log_probs(_forward(vlm, sample)).mean()) for sample in everything]
        with clock.on("truth ratio"), torch.inference_mode():
            for sample in everything:
                for answer in (sample.answer, *sample.wrong):
                    _log_probs(_forward(vlm, sample, answer=answer))
        with clock.on("linear probe, logit lens"), torch.inference_mode():
            for sample in everything:
                _forward(vlm, sample, output_hidden_states=True)
        opened.__exit__(None, None, None)
        if number == 0:
            start = 0
            for name, split in splits.items():
                stop = start + len(split)
                from uqs.answers import is_right

                judged = zip(split.samples, answers[start:stop], strict=True)
                found[f"right {name}"] = float(
                    sum(is_right(s.task, a, s.answer) for s, a in judged)
                )
                found[f"loss {name}"] = statistics.fmean(losses[start:stop])
                start = stop
    return found


def _forward(
    vlm: VLM, sample: Sample, answer: str | None = None, **options: bool
) -> tuple[Tensor, Tensor]:
    """Logits at the answer's positions (k, vocabulary) and its tokens (k,), in one plain call."""
    from dataclasses import replace

    asked = replace(sample, wrong=(), task="short", options=(), question=sample.text)
    encoded = vlm.encode([replace(asked, answer=answer or sample.answer)])
    tokens = encoded.answers[0][:-1]
    ids = torch.tensor([[*encoded.prompts[0], *tokens]], device=vlm.model.device)
    out = vlm.model(input_ids=ids, **_pictures(vlm, encoded.shown([0])), **options)
    return out.logits[0, -len(tokens) - 1 : -1].float(), ids[0, -len(tokens) :]


def _log_probs(seen: tuple[Tensor, Tensor]) -> Tensor:
    logits, tokens = seen
    return logits.log_softmax(-1).gather(1, tokens[:, None])[:, 0]


def _gradient_norm(vlm: VLM, sample: Sample) -> float:
    weight = vlm.plain_model.get_output_embeddings().weight
    weight.requires_grad_(True)
    loss = -_log_probs(_forward(vlm, sample)).mean()
    (gradient,) = torch.autograd.grad(loss, [weight])
    weight.requires_grad_(False)
    return float(gradient.norm())


WAYS: Mapping[str, Callable[[Case, Clock], dict[str, Any]]] = {
    "plain": plain,
    "one pass": one_pass,
    "generation": generation,
}


def in_its_own_process(way: str, case: Case) -> dict[str, Any]:
    """Run a way in a new process: `seconds` by what they were spent on, `found`, `peak` MiB."""
    arguments = json.dumps(
        {
            "way": way,
            "case": {
                **vars(case),
                "base": str(case.base),
                "adapters": [str(one) for one in case.adapters],
            },
        }
    )
    done = subprocess.run(
        [sys.executable, __file__, "--child", arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def child(arguments: str) -> None:
    given = json.loads(arguments)
    about = given["case"]
    about["base"], about["adapters"] = Path(about["base"]), tuple(map(Path, about["adapters"]))
    clock = Clock()
    found = WAYS[given["way"]](Case(**about), clock)
    gpu = torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else None
    print(json.dumps({"seconds": clock.spent, "found": found, "peak": _peak(), "gpu": gpu}))


def _peak() -> float:
    """The most memory this process held, MiB. (getrusage would count what its parent held when it began.)"""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return float(line.split()[1]) / 1024
    raise OSError("/proc/self/status names no peak")


def tiny_case(folder: Path) -> Case:
    """The shipped base with two adapters that were taught the benchmark for a while."""
    from uqs.methods.retrain import Retrain
    from uqs.methods.trainer import Schedule, train
    from uqs.models import adapter

    data = benchmarks.load(BENCHMARK)
    learn = Split("learn", (*data.learn["forget"].samples, *data.learn["retain"].samples))
    for seed in SEEDS:
        vlm = Llava.load(BASES["tiny_llava"])
        adapter.attach(vlm, AdapterSettings(targets="language.all+projector"), seed=0)
        generator = torch.Generator().manual_seed(seed)
        method = Retrain(32, 0.0)
        streams = method.streams(vlm, {"learn": learn, "replay": Split("replay", ())}, generator)
        train(vlm, method, dict(streams), Schedule(400, 2e-3), generator)
        vlm.model.save_pretrained(str(folder / str(seed)), save_embedding_layers=False)
    adapters = tuple(folder / str(seed) for seed in SEEDS)
    return Case("tiny LLaVA", BASES["tiny_llava"], adapters, 240, 32, 64)


def large_case(folder: Path, *, layers: int, width: int, image: int) -> Case:
    """A LLaVA of the 1.5 architecture with random weights in bfloat16, and two adapters."""
    from peft import LoraConfig, get_peft_model
    from transformers import (
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    tokenizer = Llava.load_processor(BASES["tiny_llava"]).tokenizer
    heads = max(1, width // 128)
    vision = CLIPVisionConfig(
        hidden_size=min(1024, width),
        intermediate_size=min(4096, 4 * width),
        num_hidden_layers=min(24, layers),
        num_attention_heads=min(16, heads),
        image_size=image,
        patch_size=14,
        projection_dim=768,
    )
    text = LlamaConfig(
        vocab_size=32064,
        hidden_size=width,
        intermediate_size=round(width * 2.6875),
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-2,
    )
    torch.set_default_dtype(torch.bfloat16)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with torch.device(device):
        torch.manual_seed(0)
        model = LlavaForConditionalGeneration(config)
    torch.set_default_dtype(torch.float32)
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(folder / "base")
    size = {"height": image, "width": image}
    LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size={"shortest_edge": image}, crop_size=size),
        tokenizer=tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    ).save_pretrained(folder / "base")
    for seed in SEEDS:
        torch.manual_seed(seed)
        lora = LoraConfig(r=16, target_modules=Llava.targets["language.attention"])
        adapted = get_peft_model(model, lora)
        with torch.no_grad():
            for name, parameter in adapted.named_parameters():
                if "lora_B" in name:
                    parameter.normal_(0, 0.01)
        adapted.save_pretrained(str(folder / str(seed)), save_embedding_layers=False)
        model = adapted.unload()
    adapters = tuple(folder / str(seed) for seed in SEEDS)
    return Case(f"LLaVA, {layers} layers of {width}, random", folder / "base", adapters, 64, 32, 32)


def report(case: Case) -> None:
    """Run every way and print its table."""
    passes, alone = [], []
    for _ in range(REPEATS):
        alone.append(in_its_own_process("generation", case))
        passes.append(in_its_own_process("one pass", case))
    slow = in_its_own_process("plain", case)
    for name, value in slow["found"].items():
        other = passes[0]["found"][name]
        assert abs(value - other) <= 1e-3 * max(1, abs(value)), (name, value, other)
    middle = statistics.median(sum(one["seconds"].values()) for one in passes)
    whole = sum(slow["seconds"].values())
    published = slow["seconds"]["loading"] + sum(
        seconds for what, seconds in slow["seconds"].items() if what.startswith("published")
    )
    ratios = [
        one["seconds"]["pass"] / other["seconds"]["pass"]
        for one, other in zip(passes, alone, strict=True)
    ]
    asked = sum(len(split) for split in case.splits().values())
    first = passes[0]["found"]
    print(f"\n## {case.name}\n")
    print(
        f"{len(case.adapters)} checkpoints, {asked} questions each, answers of at most "
        f"{case.max_new_tokens} tokens, batches of {case.batch_size}. Both ways give the same accuracies and "
        f"losses.\n"
    )
    print("| way | seconds | peak memory, MiB | GPU memory, MiB |\n|---|---|---|---|")
    for name, runs, seconds in (
        ("plain, every metric", [slow], whole),
        ("plain, the published five metrics alone", [slow], published),
        (f"one pass, {first['metrics']} metrics, {first['rows']} rows", passes, middle),
        (
            "generation alone",
            alone,
            statistics.median(sum(one["seconds"].values()) for one in alone),
        ),
    ):
        memory = statistics.median(one["peak"] for one in runs)
        gpu = "" if runs[0]["gpu"] is None else f"{runs[0]['gpu']:.0f}"
        print(f"| {name} | {seconds:.2f} | {memory:.0f} | {gpu} |")
    short = whole - slow["seconds"]["truth ratio"]
    print(
        f"\nPlain over one pass: {whole / middle:.1f}; without the truth ratio, which reads every wrong "
        f"answer apart, {short / middle:.1f}; the published five alone {published / middle:.1f}."
    )
    print(
        f"The pass over generation alone: {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f} in {REPEATS} pairs)."
    )
    print("\n| where the time goes | seconds |\n|---|---|")
    for name, run in (("one pass", passes[0]), ("plain", slow)):
        for what, seconds in run["seconds"].items():
            print(f"| {name}: {what} | {seconds:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=["tiny", "llava-7b", "small-llava"], default="tiny")
    parser.add_argument("--child")
    given = parser.parse_args()
    if given.child:
        child(given.child)
        return
    with tempfile.TemporaryDirectory() as folder:
        if given.model == "tiny":
            case = tiny_case(Path(folder))
        elif given.model == "llava-7b":
            case = large_case(Path(folder), layers=32, width=4096, image=336)
        else:
            case = large_case(Path(folder), layers=2, width=128, image=28)
        print("# Time of measuring a checkpoint\n")
        threads = os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())
        print(f"Python {platform.python_version()}, torch {torch.__version__}, {threads} threads.")
        report(case)


if __name__ == "__main__":
    main()
