"""Build a tiny BLIP-2 and teach it on the base corpus, so that studies/tiny_blip2.yaml can run on it.

    python scripts/tiny_blip2_base.py --out models/tiny_blip2 [--steps 1500] [--seed 0]

The architecture is that of BLIP-2 OPT: a vision tower, a Q-Former whose query tokens ask the picture, and an
OPT decoder. All of it is trained at once on the flags of the corpus and their questions, none of which any
benchmark uses.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch
import transformers as hf

from uqs.io import new_folder
from uqs.methods.retrain import Retrain
from uqs.methods.trainer import Schedule, train
from uqs.models import corpus
from uqs.models.blip2 import Blip2
from uqs.models.tiny_llava import build_tokenizer
from uqs.records import Split

SIDE, PATCH, QUERIES = 32, 8, 4
BATCH, LR = 64, 2e-3
REPORT_EVERY = 50


def build(seed: int) -> Blip2:
    """A new tiny BLIP-2 with random weights from `seed`."""
    tokenizer = build_tokenizer([*corpus.words(), "Question", "Answer"])
    config = hf.Blip2Config(
        vision_config={
            "hidden_size": 96,
            "intermediate_size": 192,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "image_size": SIDE,
            "patch_size": PATCH,
        },
        qformer_config={
            "hidden_size": 96,
            "intermediate_size": 192,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "cross_attention_frequency": 1,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
            "vocab_size": 8,
        },
        text_config={
            "model_type": "opt",
            "vocab_size": len(tokenizer),
            "hidden_size": 128,
            "word_embed_proj_dim": 128,
            "ffn_dim": 256,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "max_position_embeddings": 256,
            "dropout": 0.0,
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
        },
        num_query_tokens=QUERIES,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = hf.Blip2ForConditionalGeneration(config)
        # they start at 0: all would ask the same, for ever
        model.query_tokens.data.normal_(std=0.5)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    pictures = hf.BlipImageProcessorPil(size={"height": SIDE, "width": SIDE})
    processor = hf.Blip2Processor(pictures, tokenizer, num_query_tokens=QUERIES)
    return Blip2(model.eval(), processor)


def teach(vlm: Blip2, steps: int, seed: int) -> None:
    """Train all weights on the corpus's questions about flags."""
    learn = tuple(
        one for one in corpus.samples("base") if one.picture and "country" in one.question
    )
    generator = torch.Generator().manual_seed(seed)
    method = Retrain(BATCH, 0.0)
    nothing = Split("replay", ())
    streams = method.streams(vlm, {"learn": Split("learn", learn), "replay": nothing}, generator)
    start = time.monotonic()

    def tell(done: int, of: int, loss: float) -> None:
        if done % REPORT_EVERY == 0 or done == of:
            print(f"{done} of {of}: loss {loss:.3f} ({time.monotonic() - start:.0f} s)", flush=True)

    trained = train(vlm, method, streams, Schedule(steps, LR), generator, progress=tell)
    if trained.collapse:
        sys.exit(trained.collapse)


def save(vlm: Blip2, out: Path) -> None:
    vlm.model.save_pretrained(out)
    vlm.processor.save_pretrained(out)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.out.exists():
        sys.exit(f"{given.out} is there already")
    vlm = build(given.seed)
    teach(vlm, given.steps, given.seed)
    with new_folder(given.out) as part:
        save(vlm, part)
    print(f"written: {given.out}")


if __name__ == "__main__":
    main()
