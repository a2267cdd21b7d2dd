"""What training changes: a LoRA adapter on the base or, as an option, all weights."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from uqs.errors import DataError, UserError
from uqs.models.settings import AdapterSettings
from uqs.models.vlm import VLM
from uqs.registry import nearest

ADAPTER, FULL = "adapter_model.safetensors", "model.safetensors"


def attach(vlm: VLM, settings: AdapterSettings, seed: int) -> None:
    """Make the model trainable: fresh LoRA factors from `seed` (their product is 0), or all weights."""
    if settings.kind == "full":
        vlm.model.requires_grad_(True)
        return
    from peft import LoraConfig, get_peft_model

    if settings.targets not in vlm.targets:
        raise UserError(
            f"unknown adapter targets {settings.targets!r}; {nearest(settings.targets, list(vlm.targets))}"
        )
    config = LoraConfig(
        r=settings.r,
        lora_alpha=settings.alpha,  # type: ignore[arg-type]  # a float is what it divides by r
        target_modules=vlm.targets[settings.targets],
        lora_dropout=0.0,
        bias="none",
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        vlm.model = get_peft_model(vlm.model, config)


def save(vlm: VLM, folder: Path) -> None:
    """Write what was trained, in the files that transformers and peft read.

    An adapter names its base as a folder beside its own, so that what is written does not depend on where.
    """
    from peft import PeftModel

    if not isinstance(vlm.model, PeftModel):
        vlm.model.save_pretrained(folder)
        return
    # no embedding is trained; to find that out by itself, peft looks for the base's own files
    vlm.model.save_pretrained(str(folder), save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    about = folder / "adapter_config.json"
    config = json.loads(about.read_text())
    if base := config["base_model_name_or_path"]:
        config["base_model_name_or_path"] = f"../{Path(base).name}"
    about.write_text(json.dumps(config, indent=2, sort_keys=True))


def load(family: type[VLM], base: Path, checkpoint: Path, *, trainable: bool) -> VLM:
    """The model of a checkpoint folder: the base with its adapter, or the full weights."""
    if (checkpoint / FULL).exists():
        vlm = family.load(checkpoint, processor=base)
        vlm.model.requires_grad_(trainable)
        return vlm
    if not (checkpoint / ADAPTER).exists():
        raise DataError(f"holds neither {ADAPTER} nor {FULL}", file=checkpoint)
    from peft import PeftModel

    vlm = family.load(base)
    vlm.model = PeftModel.from_pretrained(vlm.model, checkpoint, is_trainable=trainable)
    vlm.model.eval()
    return vlm
