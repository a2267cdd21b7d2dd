"""A LLaVA of about a million weights: the real architecture, small enough to train in seconds on a CPU."""

from __future__ import annotations

import string
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from uqs.models.llava import Llava
from uqs.models.settings import BASES
from uqs.models.vlm import Batch

IMAGE_SIZE = 32
SPECIAL = ("<pad>", "<s>", "</s>", "<image>", "<unk>")
TEMPLATE_WORDS = ("USER", "ASSISTANT", "Blank")


class TinyLlava(Llava):
    """LlavaForConditionalGeneration built from config, its base pretrained by `scripts/pretrain_base.py`.

    The base has seen people, pictures and wordings that no benchmark uses; `corpus` has the data it was
    trained on.
    """

    name = "tiny_llava"

    @staticmethod
    def base_folder() -> Path:
        """The shipped base: a plain transformers model folder."""
        return BASES["tiny_llava"]

    def answer_logits(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Like in every family, but with the short pass if that gives the same."""
        from uqs.models import short_pass  # peft is not needed to list a family

        if short_pass.fits(self):
            return short_pass.answer_logits(self, batch)
        return super().answer_logits(batch)


def build_tokenizer(words: Iterable[str]) -> Any:
    """A tokenizer of whole words, with single characters for other words (WordPiece, case kept)."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    characters = [*string.ascii_letters, *string.digits, *string.punctuation]
    found = [*SPECIAL, *characters, *(f"##{c}" for c in string.ascii_letters + string.digits)]
    vocabulary = {
        token: row
        for row, token in enumerate(dict.fromkeys([*found, *TEMPLATE_WORDS, *sorted(set(words))]))
    }
    tokenizer = Tokenizer(
        models.WordPiece(vocabulary, unk_token="<unk>", max_input_chars_per_word=100)
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", vocabulary["<s>"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=["<image>"],
        padding_side="left",
    )


def build(words: Iterable[str], seed: int) -> TinyLlava:
    """A new tiny LLaVA with random weights from `seed`."""
    from transformers import (
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    tokenizer = build_tokenizer(words)
    vision = CLIPVisionConfig(
        image_size=IMAGE_SIZE,
        patch_size=16,
        hidden_size=96,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        projection_dim=96,
    )
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=4,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        tie_word_embeddings=True,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlavaForConditionalGeneration(config)
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    size = {"height": IMAGE_SIZE, "width": IMAGE_SIZE}
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size={"shortest_edge": IMAGE_SIZE}, crop_size=size),
        tokenizer=tokenizer,
        patch_size=16,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )
    return TinyLlava(model.eval(), processor)
