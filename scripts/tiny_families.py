"""Writes a tiny random model of every family in the layout of the hub: config, safetensors, processor.

    python scripts/tiny_families.py OUT [--family NAME ...] [--seed 0]

Every folder opens by `from_pretrained`. The tests and `perf/families.py` use the same folders. They know
nothing; a study on them shows that the way is open, not that a model can forget.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers as hf
from tokenizers.processors import TemplateProcessing

from uqs.models import corpus
from uqs.models.tiny_llava import build_tokenizer

SIDE, PATCH, WIDTH = 32, 8, 48
TEXT = {
    "hidden_size": WIDTH,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 12,
    "max_position_embeddings": 1024,
}
TOWER = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": SIDE,
    "patch_size": PATCH,
}
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for part in m['content'] %}"
    "{% if part['type'] == 'image' %}MARK{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
INST = (
    "{% for m in messages %}{% if m['role'] == 'user' %}[INST] {% for part in m['content'] %}"
    "{% if part['type'] == 'image' %}<image>\n{% else %}{{ part['text'] }}{% endif %}{% endfor %} [/INST]"
    "{% else %} {{ m['content'][0]['text'] }}</s>{% endif %}{% endfor %}"
)
IDEFICS = (
    "<|im_start|>{% for m in messages %}{{ m['role'] | capitalize }}"
    "{% if m['content'][0]['type'] == 'image' %}:{% else %}: {% endif %}{% for part in m['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
    "<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)
TEXT_ONLY = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SIZE = {"height": SIDE, "width": SIDE}
GRID = [[SIDE, 2 * SIDE], [2 * SIDE, SIDE], [2 * SIDE, 2 * SIDE]]

Parts = tuple[Any, Any]
"""A configuration, and the processor to save."""


def _tokenizer(
    words: Iterable[str], *marks: str, end: str = "</s>", begin: bool = False, **named: str
) -> Any:
    """Whole words; `named` are the marks that a processor asks the tokenizer for by name."""
    found = build_tokenizer(
        [*words, "user", "assistant", "User", "Assistant", "Question", "Answer"]
    )
    found.add_special_tokens(
        {"eos_token": end, "additional_special_tokens": [*marks, *named.values()]}
    )
    if not begin:
        found.backend_tokenizer.post_processor = TemplateProcessing("$A", special_tokens=[])
    if named:
        found._set_model_specific_special_tokens(named)
    return found


def _text(tokenizer: Any, **more: Any) -> dict[str, Any]:
    ends = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    return {**TEXT, "vocab_size": len(tokenizer), **ends, **more}


def llava(words: Iterable[str]) -> Parts:
    tokenizer = _tokenizer(words, begin=True)
    config = hf.LlavaConfig(
        vision_config={"model_type": "clip_vision_model", "projection_dim": 32, **TOWER},
        text_config={"model_type": "llama", **_text(tokenizer)},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    pictures = hf.CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=SIZE)
    return config, hf.LlavaProcessor(
        pictures, tokenizer, PATCH, "default", num_additional_image_tokens=1
    )


def llava_next(words: Iterable[str]) -> Parts:
    tokenizer = _tokenizer(words, "[INST]", "[/INST]", begin=True)
    config = hf.LlavaNextConfig(
        vision_config={"model_type": "clip_vision_model", "projection_dim": 32, **TOWER},
        text_config={"model_type": "mistral", **_text(tokenizer)},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_grid_pinpoints=GRID,
    )
    pictures = hf.LlavaNextImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size=SIZE, image_grid_pinpoints=GRID
    )
    return config, hf.LlavaNextProcessor(
        pictures, tokenizer, PATCH, "default", INST, num_additional_image_tokens=1
    )


def llava_onevision(words: Iterable[str]) -> Parts:
    tokenizer = _tokenizer(words, "<|im_start|>", "<video>", end="<|im_end|>")
    config = hf.LlavaOnevisionConfig(
        vision_config={"model_type": "siglip_vision_model", "vision_use_head": False, **TOWER},
        text_config={"model_type": "qwen2", **_text(tokenizer)},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        video_token_index=tokenizer.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=GRID,
    )
    pictures = hf.LlavaOnevisionImageProcessorPil(size=SIZE, image_grid_pinpoints=GRID)
    return config, _silent(hf.LlavaOnevisionProcessor)(
        pictures,
        tokenizer,
        num_image_tokens=(SIDE // PATCH) ** 2,
        vision_feature_select_strategy="full",
        chat_template=CHATML.replace("MARK", "<image>\n"),
    )


def idefics3(words: Iterable[str]) -> Parts:
    return _idefics3(words, hf.Idefics3Config, hf.Idefics3ImageProcessorPil)


def smolvlm(words: Iterable[str]) -> Parts:
    return _idefics3(words, hf.SmolVLMConfig, hf.SmolVLMImageProcessorPil)


def _idefics3(words: Iterable[str], config: Any, pictures: Any) -> Parts:
    rows = [f"<row_{i}_col_{j}>" for i in range(1, 5) for j in range(1, 5)]
    marks = ("<|im_start|>", "<global-img>", "<fake_token_around_image>", *rows)
    tokenizer = _tokenizer(words, *marks, end="<end_of_utterance>")
    tower = {key: value for key, value in TOWER.items()}
    return (
        config(
            vision_config=tower,
            text_config={"model_type": "llama", **_text(tokenizer)},
            image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
            pad_token_id=tokenizer.pad_token_id,
            scale_factor=2,
        ),
        hf.Idefics3Processor(
            pictures(
                size={"longest_edge": 2 * SIDE},
                max_image_size={"longest_edge": SIDE},
            ),
            tokenizer,
            image_seq_len=(SIDE // PATCH // 2) ** 2,
            chat_template=IDEFICS,
        ),
    )


def internvl(words: Iterable[str]) -> Parts:
    tokenizer = _tokenizer(
        words,
        "<|im_start|>",
        end="<|im_end|>",
        start_image_token="<img>",
        end_image_token="</img>",
        context_image_token="<IMG_CONTEXT>",
        video_token="<video>",
    )
    config = hf.InternVLConfig(
        vision_config={**TOWER, "image_size": [SIDE, SIDE], "patch_size": [PATCH, PATCH]},
        text_config={"model_type": "qwen2", **_text(tokenizer)},
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=(SIDE // PATCH // 2) ** 2,
    )
    pictures = hf.GotOcr2ImageProcessorPil(size=SIZE, max_patches=4)
    return config, _silent(hf.InternVLProcessor)(
        pictures,
        tokenizer,
        image_seq_length=(SIDE // PATCH // 2) ** 2,
        chat_template=CHATML.replace("MARK", "<IMG_CONTEXT>\n"),
    )


def paligemma(words: Iterable[str]) -> Parts:
    tokenizer = _tokenizer(words)
    pictures = hf.SiglipImageProcessorPil(size=SIZE)
    pictures.image_seq_length = (SIDE // PATCH) ** 2
    processor = hf.PaliGemmaProcessor(pictures, tokenizer)  # adds marks to the tokenizer
    config = hf.PaliGemmaConfig(
        vision_config={
            "model_type": "siglip_vision_model",
            "vision_use_head": False,
            "projection_dim": WIDTH,
            **TOWER,
        },
        text_config={"model_type": "gemma", **_text(tokenizer)},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        projection_dim=WIDTH,
        hidden_size=WIDTH,
    )
    return config, processor


def _qwen(words: Iterable[str]) -> tuple[Any, dict[str, Any]]:
    marks = ("<|im_start|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
    tokenizer = _tokenizer(words, *marks, end="<|im_end|>")
    known = tokenizer.convert_tokens_to_ids
    return tokenizer, {
        "image_token_id": known("<|image_pad|>"),
        "video_token_id": known("<|video_pad|>"),
        "vision_start_token_id": known("<|vision_start|>"),
        "vision_end_token_id": known("<|vision_end|>"),
    }


def qwen2_vl(words: Iterable[str]) -> Parts:
    tokenizer, ids = _qwen(words)
    rope = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 2, 2]}
    config = hf.Qwen2VLConfig(
        text_config={**_text(tokenizer), "rope_parameters": rope},
        vision_config={
            "depth": 2,
            "num_heads": 2,
            "patch_size": PATCH,
            "embed_dim": 32,
            "hidden_size": WIDTH,
            "mlp_ratio": 2,
        },
        **ids,
    )
    return config, _qwen_processor(hf.Qwen2VLProcessor, tokenizer)


def qwen3_vl(words: Iterable[str]) -> Parts:
    tokenizer, ids = _qwen(words)
    rope = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 2, 2]}
    config = hf.Qwen3VLConfig(
        text_config={**_text(tokenizer), "rope_parameters": rope},
        vision_config={
            "depth": 2,
            "num_heads": 2,
            "patch_size": PATCH,
            "hidden_size": 32,
            "out_hidden_size": WIDTH,
            "intermediate_size": 48,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0],
        },
        **ids,
    )
    return config, _qwen_processor(hf.Qwen3VLProcessor, tokenizer)


def _qwen_processor(kind: Any, tokenizer: Any) -> Any:
    pictures = hf.Qwen2VLImageProcessorPil(
        patch_size=PATCH, min_pixels=(2 * PATCH) ** 2, max_pixels=(8 * PATCH) ** 2
    )
    mark = "<|vision_start|><|image_pad|><|vision_end|>"
    return _silent(kind)(pictures, tokenizer, chat_template=CHATML.replace("MARK", mark))


def blip2(words: Iterable[str]) -> Parts:
    tokenizer = _tokenizer(words, begin=True)
    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = hf.Blip2Config(
        vision_config=TOWER,
        qformer_config={**small, "intermediate_size": 48, "vocab_size": 8},
        text_config={
            "model_type": "opt",
            **_text(tokenizer),
            "ffn_dim": 64,
            "word_embed_proj_dim": WIDTH,
        },
        num_query_tokens=3,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    pictures = hf.BlipImageProcessorPil(size=SIZE)
    return config, hf.Blip2Processor(pictures, tokenizer, num_query_tokens=3)


def instructblip(words: Iterable[str]) -> Parts:
    tokenizer = _tokenizer(words, begin=True)
    reader = _tokenizer(words, begin=True)
    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = hf.InstructBlipConfig(
        vision_config=TOWER,
        qformer_config={**small, "intermediate_size": 48, "vocab_size": len(reader)},
        text_config={"model_type": "llama", **_text(tokenizer)},
        num_query_tokens=3,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    pictures = hf.BlipImageProcessorPil(size=SIZE)
    return config, hf.InstructBlipProcessor(pictures, tokenizer, reader, num_query_tokens=3)


def gemma3(words: Iterable[str]) -> Parts:
    """A family that UQS does not declare: the generic one reads it."""
    tokenizer = _tokenizer(
        words,
        "<start_of_turn>",
        end="<end_of_turn>",
        image_token="<image_soft_token>",
        boi_token="<start_of_image>",
        eoi_token="<end_of_image>",
    )
    known = tokenizer.convert_tokens_to_ids
    config = hf.Gemma3Config(
        vision_config={"model_type": "siglip_vision_model", "vision_use_head": False, **TOWER},
        text_config=_text(tokenizer, query_pre_attn_scalar=12, sliding_window=512),
        mm_tokens_per_image=4,
        image_token_index=known("<image_soft_token>"),
        boi_token_index=known("<start_of_image>"),
        eoi_token_index=known("<end_of_image>"),
    )
    template = (
        CHATML.replace("<|im_start|>", "<start_of_turn>")
        .replace("<|im_end|>", "<end_of_turn>")
        .replace("MARK", "<start_of_image>")
    )
    pictures = hf.Gemma3ImageProcessorPil(size=SIZE)
    return config, hf.Gemma3Processor(pictures, tokenizer, template, image_seq_length=4)


def text_lm(words: Iterable[str]) -> Parts:
    tokenizer = _tokenizer(words, "<|im_start|>", end="<|im_end|>")
    tokenizer.chat_template = TEXT_ONLY
    return hf.LlamaConfig(**_text(tokenizer)), tokenizer


BUILDERS: Mapping[str, Callable[[Iterable[str]], Parts]] = {
    one.__name__: one
    for one in (
        llava,
        llava_next,
        llava_onevision,
        idefics3,
        smolvlm,
        internvl,
        paligemma,
        qwen2_vl,
        qwen3_vl,
        blip2,
        instructblip,
        gemma3,
        text_lm,
    )
}


def _silent(kind: Any) -> Any:
    """A processor class without its part for videos, which needs torchvision."""
    parts = [name for name in kind.get_attributes() if "video" not in name]
    return type(kind.__name__, (kind,), {"get_attributes": classmethod(lambda _: parts)})


def write(family: str, folder: Path, words: Iterable[str], seed: int = 0) -> Path:
    """Write a random model of a family into `folder`, loud enough that pictures and questions matter."""
    config, processor = BUILDERS[family](words)
    made = hf.AutoModelForCausalLM if family == "text_lm" else hf.AutoModelForImageTextToText
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = made.from_config(config)
        for name, parameter in model.named_parameters():
            if any(word in name for word in ("query_tokens", "_embedding", "input_projection")):
                parameter.data.normal_(std=0.5)  # some are 0 as they start
            elif parameter.ndim > 1:
                seen = any(word in name for word in ("vision", "qformer", "projection"))
                parameter.data *= 15 if seen else 4
    tokenizer = getattr(processor, "tokenizer", processor)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--family", nargs="*", choices=sorted(BUILDERS), default=sorted(BUILDERS))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for family in given.family:
        print(write(family, given.out / family, corpus.words(), given.seed))


if __name__ == "__main__":
    main()
