"""Does LoRA unlearning of LLaVA-1.5-7B fit one card of 24 GB? Prints Markdown: `python perf/memory_7b.py`.

By count, without a GPU and without the weights: the model is built from its published configuration on fake
tensors, which have a shape, a type and a storage but no memory. An adapter is attached and losses run forward
and backward by the project's own code, under the trainer's arithmetic, while every storage that any operation
makes is counted from when it is made until it is let go. The first part of the page holds the count against
what PyTorch's allocator does for a model small enough to be run.
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import itertools
import platform
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import torch
import transformers.models.llava.modeling_llava as modeling
from peft.helpers import disable_input_dtype_casting
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig
from transformers.utils import logging as transformers_logging

from uqs.methods.base import trainable
from uqs.methods.cards import CARDS
from uqs.methods.losses import answer_cross_entropy, answer_log_likelihoods
from uqs.methods.npo import npo_loss
from uqs.methods.trainer import LOOKED_AT
from uqs.models import adapter
from uqs.models.llava import Llava
from uqs.models.reference import Reference
from uqs.models.settings import AdapterSettings
from uqs.models.vlm import IGNORED, VLM, Batch

MIB, GIB = 2**20, 2**30
PICTURE, TEXT, ANSWER = 576, 60, 20
TARGETS = ("language.attention", "language.all")
BATCHES = (1, 2, 4)
CARD, LEFT_FREE = 24.0, 1.5


class Given(NamedTuple):
    """What the losses read."""

    forget: Batch
    retain: Batch
    original: Reference


Loss = Callable[[VLM, Given], Tensor]


def config(
    *, layers: int, width: int, inner: int, heads: int, vision: tuple[int, int, int]
) -> LlavaConfig:
    """A LLaVA 1.5; `vision` is layers, width and heads of its tower."""
    tower_layers, tower_width, tower_heads = vision
    return LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=tower_width,
            intermediate_size=4 * tower_width,
            num_hidden_layers=tower_layers,
            num_attention_heads=tower_heads,
            image_size=336,
            patch_size=14,
            projection_dim=768,
        ),
        text_config=LlamaConfig(
            vocab_size=32064,
            hidden_size=width,
            intermediate_size=inner,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=heads,
            rms_norm_eps=1e-5,
            max_position_embeddings=4096,
            pad_token_id=32001,
        ),
        image_token_index=32000,
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
        projector_hidden_act="gelu",
    )


LLAVA_7B = config(layers=32, width=4096, inner=11008, heads=32, vision=(24, 1024, 16))
SMALL = config(layers=3, width=256, inner=688, heads=4, vision=(2, 128, 2))


def build(about: LlavaConfig, targets: str, fake: FakeTensorMode | None) -> VLM:
    """The frozen base in bfloat16 with a fresh adapter in float32; without `fake` its weights are real."""
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("meta" if fake else "cpu"):
        model = modeling.LlavaForConditionalGeneration(about)
    torch.set_default_dtype(torch.float32)
    model.requires_grad_(False)
    vlm = Llava(model.eval(), None)
    adapter.attach(vlm, AdapterSettings(r=16, targets=targets), seed=0)
    if fake is not None:
        for module in vlm.model.modules():
            for name, parameter in module._parameters.items():
                if parameter is not None:
                    faked = FakeTensor(fake, parameter.detach(), torch.device("cpu"))
                    module._parameters[name] = nn.Parameter(faked, parameter.requires_grad)
            for name, buffer in module._buffers.items():
                if buffer is not None:
                    module._buffers[name] = FakeTensor(fake, buffer.to("meta"), torch.device("cpu"))
    return vlm


def batch_of(size: int) -> Batch:
    """`size` questions with a picture each, and their answers."""
    width = PICTURE + TEXT
    ids = torch.zeros(size, width, dtype=torch.long)
    ids[:, 1 : PICTURE + 1] = 32000
    labels = torch.full((size, width), IGNORED)
    labels[:, -ANSWER:] = 5
    mask = torch.ones(size, width, dtype=torch.long)
    mask[:, 0] = 0  # some padding: a batch of unlike lengths needs a mask
    inputs = {
        "input_ids": ids,
        "attention_mask": mask,
        "position_ids": (mask.cumsum(1) - 1).clamp(min=0),
        "pixel_values": torch.zeros(size, 3, 336, 336),
    }
    return Batch(inputs, labels, ANSWER)


def one_pass(vlm: VLM, given: Given) -> Tensor:
    return -answer_cross_entropy(vlm, given.forget)


def two_passes(vlm: VLM, given: Given) -> Tensor:
    return -answer_cross_entropy(vlm, given.forget) + answer_cross_entropy(vlm, given.retain)


def with_reference(vlm: VLM, given: Given) -> Tensor:
    with given.original.in_place():
        before = answer_log_likelihoods(vlm, given.forget)
    loss = npo_loss(answer_log_likelihoods(vlm, given.forget), before, 0.1)
    return loss + answer_cross_entropy(vlm, given.retain)


LOSSES: Mapping[str, Loss] = {
    "one pass (gradient ascent)": one_pass,
    "two passes (GradDiff)": two_passes,
    "two passes and a reference (NPO)": with_reference,
}


class Live(TorchDispatchMode):
    """Bytes of the storages that operations made and that are still held, now and at the most."""

    def __init__(self, known: Iterable[Tensor]) -> None:
        super().__init__()
        self.known = {tensor.untyped_storage()._cdata for tensor in known}
        self.now = self.peak = 0
        self.held: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self._hold(tensor)
        if func is torch.ops.aten.bmm.default:
            copied = sum(t.numel() * t.element_size() for t in args if _repeated(t))
            self.peak = max(self.peak, self.now + copied)
        return made

    def _hold(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = id(storage)
        if key in self.held or storage._cdata in self.known:
            return
        size = storage.nbytes()
        self.now += size
        self.peak = max(self.peak, self.now)

        def let_go(_: Any) -> None:
            self.now -= size
            del self.held[key]

        self.held[key] = weakref.ref(storage, let_go)


def _repeated(matrices: Tensor) -> bool:
    """One matrix for all of a batch: the CPU's product copies it out for each."""
    return matrices.shape[0] > 1 and matrices.stride(0) == 0


class Count(NamedTuple):
    """Bytes: what is held when the backward pass begins, by two ways of counting, and the most ever held."""

    kept: int
    hooked: int
    peak: int


@contextmanager
def training(vlm: VLM, checkpointing: bool) -> Iterator[None]:
    """What the trainer sets for a run in bfloat16."""
    model = vlm.plain_model
    vlm.model.zero_grad(set_to_none=True)
    if checkpointing:
        model.activation_checkpointing_enable({"use_reentrant": False})
        model.disable_input_require_grads()
    vlm.model.train()
    with disable_input_dtype_casting(vlm.model):
        yield
    vlm.model.eval()
    if checkpointing:
        model.activation_checkpointing_disable()


def arithmetic() -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16, cache_enabled=False)


def weights(vlm: VLM) -> list[Tensor]:
    return [*vlm.model.parameters(), *vlm.model.buffers()]


def counted(
    vlm: VLM, loss: Loss, size: int, checkpointing: bool, fake: FakeTensorMode | None
) -> Count:
    with fake or nullcontext(), training(vlm, checkpointing):
        batches = batch_of(size), batch_of(size)
        known = [t for batch in batches for t in (*batch.inputs.values(), batch.labels)]
        live = Live([*weights(vlm), *known])
        hooked: dict[int, int] = {}

        def pack(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage._cdata not in live.known:
                hooked[storage._cdata] = storage.nbytes()
            return tensor

        with live:
            given = Given(*batches, Reference(vlm))
            begin = live.peak = live.now
            hooks = torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor)
            with arithmetic(), hooks:
                value = loss(vlm, given)
            kept = live.now
            value.backward()
        return Count(kept - begin, sum(hooked.values()), live.peak - begin)


def looked_at(vlm: VLM, fake: FakeTensorMode) -> int:
    """The most that a check holds when it looks at answers."""
    with fake, torch.no_grad():
        batch = batch_of(LOOKED_AT)
        live = Live([*weights(vlm), *batch.inputs.values(), batch.labels])
        with live, arithmetic():
            vlm.answer_logits(batch)
        return live.peak


def allocated(vlm: VLM, loss: Loss, size: int, checkpointing: bool) -> tuple[int, int]:
    """What PyTorch's allocator holds of a real pass when its backward pass begins, and at the most."""
    with training(vlm, checkpointing):
        given = Given(batch_of(size), batch_of(size), Reference(vlm))
        sums = []
        for backward in (False, True):
            vlm.model.zero_grad(set_to_none=True)
            profile = torch.profiler.profile(
                activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True
            )
            with profile:
                with arithmetic():
                    value = loss(vlm, given)
                if backward:
                    value.backward()
            events = profile.profiler.kineto_results.events()  # type: ignore[union-attr]
            moved = sorted((e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]")
            sums.append(list(itertools.accumulate(size for _, size in moved)))
            del value
        return sums[0][-1], max(sums[1])


def compared() -> None:
    text = SMALL.text_config
    print(
        f"""## Is the count right?

A small model of the same make, {text.num_hidden_layers} layers of {text.hidden_size}, run on the CPU in
batches of 2. The memory that PyTorch's profiler reports for the allocator is compared with the count over the
same real pass and with the count over fake tensors. MiB.

| adapter | loss | checkpointing | kept for the backward pass: allocator | real count | fake count |\
 most held: allocator | real count | fake count |
|---|---|---|---|---|---|---|---|---|"""
    )
    for targets, (name, loss), on in itertools.product(TARGETS, LOSSES.items(), (False, True)):
        real = build(SMALL, targets, None)
        fake = FakeTensorMode()
        kept, peak = allocated(real, loss, 2, on)
        first = counted(real, loss, 2, on, None)
        second = counted(build(SMALL, targets, fake), loss, 2, on, fake)
        numbers = (kept, first.kept, second.kept, peak, first.peak, second.peak)
        shown = " | ".join(f"{number / MIB:.1f}" for number in numbers)
        print(f"| {targets} | {name} | {_yes(on)} | {shown} |")


def _yes(it: bool) -> str:
    return "yes" if it else "no"


def nf4(vlm: VLM) -> float:
    """Bytes of the base whose linear layers, all but the last, are in 4 bits with double quantisation.

    Half a byte a weight, a byte for each 64 weights, and 4 bytes for each 256 of these. Source: Dettmers et
    al. 2023 (arXiv 2305.14314), section 3.
    """
    head = vlm.plain_model.get_output_embeddings().weight
    linear = {
        id(module.weight)
        for module in vlm.plain_model.modules()
        if isinstance(module, nn.Linear) and module.weight is not head
    }
    total = 0.0
    for parameter in vlm.model.parameters():
        if parameter.requires_grad:
            continue
        n = parameter.numel()
        total += n / 2 + n / 64 + 4 * n / (64 * 256) if id(parameter) in linear else 2 * n
    return total


def size_of(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


class Fits(NamedTuple):
    bfloat16: bool
    nf4: bool


def held(targets: str) -> dict[str, Fits]:
    """The page's part on one set of adapted layers; returns what fits."""
    fake = FakeTensorMode()
    vlm = build(LLAVA_7B, targets, fake)
    base = size_of(p for p in vlm.model.parameters() if not p.requires_grad)
    factors = size_of(trainable(vlm).values())
    number = sum(p.numel() for p in trainable(vlm).values())
    print(f"\n## Adapter of rank 16 on {targets}: {number / 1e6:.1f} million weights\n")
    print("| held | MiB |\n|---|---|")
    for name, size in (
        ("base in bfloat16", base),
        ("base in NF4, by arithmetic (QLoRA)", nf4(vlm)),
        ("adapter, float32", factors),
        ("AdamW's two moments", 2 * factors),
        ("a reference's copy of the original adapter", factors),
        ("the last good copy", factors),
        ("gradients, from the first backward pass on: part of what a step holds, below", factors),
        (f"a check of {LOOKED_AT} answers, for as long as it lasts", looked_at(vlm, fake)),
    ):
        print(f"| {name} | {size / MIB:.0f} |")
    print(
        "\n| loss | batch | checkpointing | kept for the backward pass, MiB | most that a step holds, MiB "
        f"| all with the base in bfloat16, GiB | in NF4, GiB | fits {CARD:g} GB |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    constant = 5 * factors  # all but the gradients
    dequantised = 2 * max(p.numel() for n, p in vlm.model.named_parameters() if "layers" in n)
    found = {}
    for (name, loss), size, on in itertools.product(LOSSES.items(), BATCHES, (False, True)):
        count = counted(vlm, loss, size, on, fake)
        wholes = (base + constant + count.peak, nf4(vlm) + constant + count.peak + dequantised)
        fits = Fits(*(whole <= (CARD - LEFT_FREE) * GIB for whole in wholes))
        found[f"{targets}, {name}, batch {size}, {'with' if on else 'without'} checkpointing"] = (
            fits
        )
        words = {(True, True): "both", (False, True): "NF4 alone", (False, False): "neither"}
        print(
            f"| {name} | {size} | {_yes(on)} | {count.kept / MIB:.0f} | {count.peak / MIB:.0f} | "
            f"{wholes[0] / GIB:.1f} | {wholes[1] / GIB:.1f} | {words[fits]} |",
            flush=True,
        )
    logits = 2 * (ANSWER + 1) * 32064 / MIB
    everywhere = logits * (PICTURE + TEXT) / (ANSWER + 1)
    plain, layer = (counted(vlm, one_pass, 1, on, fake) for on in (False, True))
    print(
        f"\nLogits are computed only at answers: {logits:.1f} MiB per question in bfloat16 "
        f"({everywhere:.0f} at all positions). With checkpointing one question keeps "
        f"{layer.kept / MIB:.0f} MiB, the input of each layer; the layer that is computed again and the "
        f"gradients add at most {(layer.peak - layer.kept) / MIB:.0f}. Without it one question keeps "
        f"{plain.kept / MIB:.0f} MiB by live storages, {plain.hooked / MIB:.0f} by hooks on saved tensors."
    )
    return found


def graphs() -> None:
    print(
        """
## How many batches' activations are alive at once

The parts of a loss are added before the single backward pass, so every pass with gradients keeps its
activations until then; a forward pass without gradients keeps none. The tables above give the batch of each
pass.

| passes with gradients per step | methods |
|---|---|"""
    )
    found: dict[float, list[str]] = {}
    for name, card in CARDS.items():
        if "steps" in card.settings.model_fields:
            found.setdefault(card.passes.training, []).append(name)
    for passes, names in sorted(found.items()):
        print(f"| {passes:g} | {', '.join(sorted(names))} |")


def in_short(found: Mapping[str, Fits]) -> None:
    print("\n## In short\n")
    for name in Fits._fields:
        fitting = [case for case, fits in found.items() if getattr(fits, name)]
        short = sum("with checkpointing" in case for case in fitting)
        print(
            f"- Base in {name}: {len(fitting)} of {len(found)} cases fit, {short} of {len(found) // 2} with "
            "checkpointing."
        )


def main() -> None:
    transformers_logging.set_verbosity_error()
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
    # it reads numbers out of a mask, and fake tensors have none; nothing else is changed
    modeling.torch_compilable_check = lambda *_, **__: None
    print(
        f"""# Memory of unlearning LLaVA-1.5-7B with LoRA, by count

Python {platform.python_version()}, torch {torch.__version__}. No GPU was used: nothing is measured on one.

Questions of {PICTURE} picture tokens and {TEXT} text tokens, {ANSWER} of them the answer. Base and
arithmetic in bfloat16, adapter in float32, as `precision: bfloat16` sets it. A large batch is split into
parts (`accumulate`); the tables give the size of one part. A case fits if it leaves {LEFT_FREE:g} of
{CARD:g} GiB free, for memory that is not counted: the CUDA context, workspaces of kernels, gaps between
blocks. Memory that a method keeps for itself (SalUn's masks have the size of the adapter) is not counted.

The operations counted are those of the CPU. Neither its attention kernel nor CUDA's fused kernels keep a
matrix of all pairs of positions; the operations that autocast does in float32 differ a little. The product
with the output layer is counted as on the CPU, with a copy of that layer for each question of a batch. CUDA
should not need these copies. QLoRA was not run: the size of its base is computed, its activations are those
over the base in bfloat16, and the largest layer is added unpacked.
"""
    )
    compared()
    found: dict[str, Fits] = {}
    for targets in TARGETS:
        found |= held(targets)
    graphs()
    in_short(found)


if __name__ == "__main__":
    main()
