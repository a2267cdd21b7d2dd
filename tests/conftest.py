"""What several rooms test with: tiny models of each family with random weights, a few questions on
drawn pictures, made-up traces, a small benchmark, and adapters of the shipped base."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

from uqs.records import Picture, Sample
from uqs.traces.trace import Trace

if TYPE_CHECKING:
    from uqs.models.blip2 import Blip2
    from uqs.models.qwen_vl import QwenVL
    from uqs.models.tiny_llava import TinyLlava

# one thread: models are tiny, and threads of several processes on few cores wait for each other
os.environ.setdefault("OMP_NUM_THREADS", "1")

# no test is timed: a busy machine is no fault
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

ROOT = Path(__file__).parent
LONG = ("studies", "evaluation", "audit", "cli")
"""The rooms whose files take longest: begun first, none of them is what all others wait for at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda one: one.path.relative_to(ROOT).parts[0] not in LONG)


MakeTrace = Callable[..., Trace]
MakeAdapter = Callable[..., Path]
DATA = Path(__file__).parents[1] / "src/uqs/benchmarks/tiny/unlok_vqa"
COLOURS = ("red", "green", "blue", "pink", "grey", "black")
WORDS = (
    "USER",
    "ASSISTANT",
    "What",
    "Which",
    "colour",
    "is",
    "it",
    "the",
    "of",
    "The",
    "thing",
    "Blank",
)


def draw(seed: int) -> Picture:
    """A picture of random blocks."""
    blocks = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.kron(blocks, np.ones((8, 8, 1), dtype=np.uint8))).save(buffer, "PNG")
    return Picture(f"block-{seed}.png", buffer.getvalue())


@pytest.fixture
def samples() -> list[Sample]:
    """Six entities, three questions each: on a picture, a choice, and in text alone."""
    found = []
    for i, colour in enumerate(COLOURS):
        picture, entity = draw(i), f"thing{i}"
        others = tuple(COLOURS[(i + k) % 6] for k in range(4))
        found += [
            Sample(f"{i}-a", entity, "short", "What colour is it?", colour, picture),
            Sample(f"{i}-b", entity, "classification", "Which colour?", "A", picture, others),
            Sample(
                f"{i}-c",
                entity,
                "cloze",
                f"The colour of thing {i} is [Blank]",
                f"{colour} {colour}",
            ),
        ]
    return found


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch on one thread: tiny models gain nothing from more, and wait for them on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make_vlm(one_thread: None) -> Callable[[], TinyLlava]:
    from uqs.models.tiny_llava import build

    def make(seed: int = 0) -> TinyLlava:
        return build([*WORDS, *COLOURS], seed)

    return make


@pytest.fixture
def make_trace() -> MakeTrace:
    """Traces of random models, `seed`, on the same samples; `top_k` keeps the likeliest tokens alone."""

    def make(
        split: str = "forget",
        seed: int = 0,
        entities: int = 6,
        each: int = 4,
        vocabulary: int = 11,
        top_k: int | None = None,
    ) -> Trace:
        rng = np.random.default_rng(seed)
        shape = np.random.default_rng(99)  # gold tokens and lengths do not depend on the model
        n = entities * each
        lengths = shape.integers(1, 4, n)
        positions = int(lengths.sum())
        gold_ids = shape.integers(0, vocabulary, positions).astype(np.int64)
        logits = rng.normal(size=(positions, vocabulary)) * 3
        log_probs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        probs, at = np.exp(log_probs), np.arange(positions)
        gold, mean = log_probs[at, gold_ids], (probs * log_probs).sum(1)
        kept = np.argsort(-log_probs, axis=1)[:, : top_k or vocabulary]
        layers = (-1, -2)
        return Trace(
            split=split,
            ids=tuple(f"{split}-{i}" for i in range(n)),
            entities=tuple(f"{split}-e{i // each}" for i in range(n)),
            tasks=("short",) * n,
            pictured=tuple(bool(i % 2) for i in range(n)),
            golds=("red",) * n,
            answers=tuple("Red." if rng.random() < 0.5 else "blue" for _ in range(n)),
            candidates=(("blue", "green"),) * n,
            vocabulary=vocabulary,
            offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            gold_ids=gold_ids,
            gold_log_probs=gold.astype(np.float32),
            gold_ranks=(log_probs > gold[:, None]).sum(1),
            means=mean.astype(np.float32),
            variances=(probs * (log_probs - mean[:, None]) ** 2).sum(1).astype(np.float32),
            top_ids=kept.astype(np.int32) if top_k else np.empty((0, 0), np.int32),
            top_log_probs=(np.take_along_axis(log_probs, kept, 1) if top_k else log_probs).astype(
                np.float32
            ),
            tail_masses=(1 - np.take_along_axis(probs, kept, 1).sum(1)).clip(0).astype(np.float32),
            gradient_norms=rng.gamma(2, size=n).astype(np.float32),
            candidate_losses=rng.gamma(3, size=2 * n).astype(np.float32),
            answer_activations={k: rng.normal(size=(n, 5)).astype(np.float32) for k in layers},
            prompt_activations={k: rng.normal(size=(n, 5)).astype(np.float32) for k in layers},
            lens_log_probs={k: -rng.gamma(2, size=n).astype(np.float32) for k in layers},
            lens_ranks={k: rng.integers(0, vocabulary, n) for k in layers},
        )

    return make


@pytest.fixture
def make_qwen(one_thread: None) -> Callable[..., QwenVL]:
    """Tiny Qwen2-VL, or Qwen2.5-VL, whose pictures are 8 pixels to a patch and 4 patches to a token."""
    import transformers
    from tokenizers.processors import TemplateProcessing

    from uqs.models.qwen_vl import QwenProcessor, QwenVL
    from uqs.models.tiny_llava import build_tokenizer

    def make(seed: int = 0, model_type: str = "qwen2_vl") -> QwenVL:
        import torch

        tokenizer = build_tokenizer([*WORDS, *COLOURS, "user", "assistant", "system"])
        marks = ["<|im_start|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"]
        tokenizer.add_special_tokens(
            {
                "eos_token": "<|im_end|>",
                "additional_special_tokens": [*marks, "<|video_pad|>"],
            }
        )
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing("$A", special_tokens=[])
        known = tokenizer.convert_tokens_to_ids
        text = {
            "vocab_size": len(tokenizer),
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e4,
                "mrope_section": [2, 3, 3],
            },
            "bos_token_id": None,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        }
        vision = {"depth": 2, "num_heads": 4, "patch_size": 8}
        if model_type == "qwen2_vl":
            vision |= {"embed_dim": 64, "hidden_size": 64, "mlp_ratio": 2}
            kind, build = (
                transformers.Qwen2VLConfig,
                transformers.Qwen2VLForConditionalGeneration,
            )
        else:
            vision |= {"hidden_size": 64, "out_hidden_size": 64, "intermediate_size": 128}
            vision |= {"window_size": 32, "fullatt_block_indexes": [1]}
            kind, build = (
                transformers.Qwen2_5_VLConfig,
                transformers.Qwen2_5_VLForConditionalGeneration,
            )
        config = kind(
            text_config=text,
            vision_config=vision,
            image_token_id=known("<|image_pad|>"),
            video_token_id=known("<|video_pad|>"),
            vision_start_token_id=known("<|vision_start|>"),
            vision_end_token_id=known("<|vision_end|>"),
        )
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = build(config)
        model.generation_config.eos_token_id = tokenizer.eos_token_id
        model.generation_config.pad_token_id = tokenizer.pad_token_id
        pictures = transformers.Qwen2VLImageProcessorPil(
            patch_size=8, min_pixels=16 * 16, max_pixels=64 * 64
        )
        return QwenVL(model.eval(), QwenProcessor(tokenizer, pictures))

    return make


@pytest.fixture
def make_blip2(one_thread: None) -> Callable[..., Blip2]:
    """Tiny BLIP-2 on OPT with three picture tokens."""
    import torch
    from tokenizers.processors import TemplateProcessing
    from transformers import (
        Blip2Config,
        Blip2ForConditionalGeneration,
        Blip2Processor,
        BlipImageProcessorPil,
    )

    from uqs.models.blip2 import Blip2
    from uqs.models.tiny_llava import build_tokenizer

    def make(seed: int = 0) -> Blip2:
        tokenizer = build_tokenizer([*WORDS, *COLOURS, "Question", "Answer"])
        end = tokenizer.eos_token_id
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
            "</s> $A", special_tokens=[("</s>", end)]
        )
        small = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
        config = Blip2Config(
            vision_config={**small, "intermediate_size": 128, "image_size": 32, "patch_size": 16},
            qformer_config={**small, "intermediate_size": 128, "vocab_size": 8},
            text_config={
                **small,
                "model_type": "opt",
                "num_hidden_layers": 4,
                "ffn_dim": 128,
                "word_embed_proj_dim": 64,
                "vocab_size": len(tokenizer),
                "max_position_embeddings": 256,
                "bos_token_id": end,
                "eos_token_id": end,
                "pad_token_id": tokenizer.pad_token_id,
            },
            num_query_tokens=3,
            image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        )
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = Blip2ForConditionalGeneration(config)
            # as they start, queries are 0, and a picture is hardly seen through so many small weights
            model.query_tokens.data.normal_(std=0.5)
            for part in (model.vision_model, model.qformer, model.language_projection):
                for parameter in part.parameters():
                    parameter.data *= 1 if parameter.ndim == 1 else 20
        for one in (model, model.language_model):
            one.generation_config.eos_token_id = end
            one.generation_config.pad_token_id = tokenizer.pad_token_id
        pictures = BlipImageProcessorPil(size={"height": 32, "width": 32})
        return Blip2(model.eval(), Blip2Processor(pictures, tokenizer, num_query_tokens=3))

    return make


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    """UnLOK-VQA with 44 pictures: 20 forgotten, 20 held out, 4 retained."""
    folder = tmp_path_factory.mktemp("unlok")
    records = json.loads((DATA / "unlok_vqa.json").read_text())
    chosen = sorted({str(record["image_id"]) for record in records})[:44]
    some = [record for record in records if str(record["image_id"]) in chosen]
    (folder / "unlok_vqa.json").write_text(json.dumps(some))
    (folder / "images").mkdir()
    for name in chosen:
        shutil.copy(DATA / "images" / f"{name}.png", folder / "images")
    return f"unlok_vqa:{folder}"


@pytest.fixture(scope="session")
def base() -> Path:
    from uqs.models.settings import BASES

    return BASES["tiny_llava"]


@pytest.fixture(scope="session")
def make_adapter(base: Path) -> MakeAdapter:
    """An adapter of the base, its factors drawn from `seed`."""

    def make(folder: Path, seed: int, scale: float = 0.02, of: Path = base) -> Path:
        import torch

        from uqs.models.adapter import attach
        from uqs.models.llava import Llava
        from uqs.models.settings import AdapterSettings

        vlm = Llava.load(of)
        attach(vlm, AdapterSettings(r=4, alpha=8.0, targets="language.attention"), seed=seed)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in vlm.model.parameters():
                if parameter.requires_grad:
                    parameter.add_(scale * torch.randn(parameter.shape, generator=generator))
        vlm.model.save_pretrained(str(folder), save_embedding_layers=False)
        about = folder / "adapter_config.json"
        config = json.loads(about.read_text())
        about.write_text(json.dumps(config | {"base_model_name_or_path": str(of)}))
        return folder

    return make


@pytest.fixture(scope="module")
def ignorant_originals() -> Iterator[None]:
    """Adapters moved at random know nothing; what is said of such originals has tests of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("uqs.metrics.baseline.LIMIT", 0.0)
        yield


@pytest.fixture
def nothing_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache of the hub's client, and a place where nobody answers for the hub."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")


@pytest.fixture
def hub_answers(
    nothing_fetched: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[int, str], None]]:
    """A server that answers every request as the hub does, with a status and its header of error codes."""
    answer = {"status": 500, "code": ""}

    class Hub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(int(answer["status"]))
            self.send_header("X-Error-Code", str(answer["code"]))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Hub) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(
            "huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{server.server_port}"
        )
        yield lambda status, code: answer.update(status=status, code=code)
        server.shutdown()
