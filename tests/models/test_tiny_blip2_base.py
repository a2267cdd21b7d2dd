"""The base of studies/tiny_blip2.yaml: all of it is taught, and its folder opens as BLIP-2."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import torch

from uqs.models.families import family_of

SCRIPT = Path(__file__).parents[2] / "scripts" / "tiny_blip2_base.py"
SPEC = spec_from_file_location(SCRIPT.stem, SCRIPT)
assert SPEC is not None
assert SPEC.loader is not None
base = module_from_spec(SPEC)
SPEC.loader.exec_module(base)


def test_every_part_is_taught_and_the_folder_opens(tmp_path: Path, one_thread: None) -> None:
    new = base.build(seed=0)
    queries = new.model.query_tokens[0]
    assert torch.unique(queries, dim=0).shape == queries.shape
    before = {name: weight.clone() for name, weight in new.model.named_parameters()}
    base.teach(new, steps=1, seed=0)
    changed = {
        name.removeprefix("model.").partition(".")[0]
        for name, weight in new.model.named_parameters()
        if not torch.equal(weight, before[name])
    }
    parts = {"query_tokens", "vision_model", "qformer", "language_projection", "language_model"}
    assert parts <= changed
    base.save(new, tmp_path / "base")
    family = family_of(tmp_path / "base")
    assert family.name == "blip2"
    opened = family.load(tmp_path / "base")
    for name, weight in opened.model.named_parameters():
        assert torch.equal(weight, new.model.get_parameter(name))
