"""A model that is spread over places computes what the whole model does, and is whole again afterwards."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from uqs.checkpoints.find import Checkpoint, find
from uqs.checkpoints.open import Models
from uqs.errors import DataError, UserError
from uqs.interventions.quantisation import quantised
from uqs.models.fingerprint import fingerprint
from uqs.records import Split
from uqs.traces.one_pass import TraceSettings, trace_split
from uqs.traces.trace import Trace

PLACES = {
    "model.vision_tower": "disk",
    "model.multi_modal_projector": "cpu",
    "model.language_model.embed_tokens": "cpu",
    "model.language_model.layers.0": "cpu",
    "model.language_model.layers.1": "disk",
    "model.language_model.layers.2": "disk",
    "model.language_model.norm": "cpu",
    "model.language_model.rotary_emb": "cpu",
    "lm_head": "cpu",
}
"""Of the tiny LLaVA: weights on the disc are read whenever a layer computes."""


@pytest.fixture(scope="module")
def checkpoints(base: Path, make_adapter, tmp_path_factory) -> list[Checkpoint]:  # type: ignore[no-untyped-def]
    top = tmp_path_factory.mktemp("spread")
    return [find(base), *(find(make_adapter(top / f"a{i}", i)) for i in (1, 2))]


def traces(models: Models, checkpoints: list[Checkpoint], samples) -> list[Trace]:  # type: ignore[no-untyped-def]
    found = []
    for checkpoint in checkpoints:
        with models.opened(checkpoint) as vlm:
            asked = Split("forget", tuple(samples[:3]))
            found.append(trace_split(vlm, asked, TraceSettings(max_new_tokens=8)))
    return found


def check_same(one: Trace, other: Trace, apart: float = 0.0) -> None:
    assert one.answers == other.answers
    for name, values in vars(one).items():
        if isinstance(values, np.ndarray):
            np.testing.assert_allclose(
                getattr(other, name), values, rtol=apart, atol=apart, err_msg=name
            )


@pytest.mark.usefixtures("one_thread")
def test_its_traces_are_those_of_the_whole_model(checkpoints, samples) -> None:  # type: ignore[no-untyped-def]
    whole = traces(Models("cpu"), checkpoints, samples)
    spread = Models(PLACES)
    with spread.opened(checkpoints[0]) as vlm:
        away = {name for name, p in vlm.model.named_parameters() if p.is_meta}
        assert any("vision_tower" in name for name in away)
        assert any("layers.2." in name for name in away)
        assert vlm.device == torch.device("cpu")
    # adapters come and go on a base that was spread before; they are not merged while their base is away
    found = traces(spread, checkpoints, samples)
    check_same(whole[0], found[0])
    check_same(whole[1], found[1], apart=1e-4)
    check_same(whole[2], found[2], apart=1e-4)


def test_afterwards_it_is_as_before(checkpoints) -> None:  # type: ignore[no-untyped-def]
    spread, plain = Models(PLACES), Models("cpu")
    with spread.opened(checkpoints[0]) as vlm:
        pass
    with plain.opened(checkpoints[0]) as other:
        assert fingerprint(vlm.model) == fingerprint(other.model)
    assert not hasattr(vlm.model, "hf_device_map")


def test_auto_is_the_whole_model_where_it_fits(checkpoints, samples) -> None:  # type: ignore[no-untyped-def]
    one, other = (traces(Models(name), checkpoints[:1], samples)[0] for name in ("auto", "cpu"))
    if not torch.cuda.is_available():
        check_same(one, other)


def test_what_needs_whole_weights_is_refused(checkpoints) -> None:  # type: ignore[no-untyped-def]
    with (
        Models(PLACES).opened(checkpoints[0]) as vlm,
        pytest.raises(UserError, match="spread over devices; name one that holds it whole"),
        quantised(vlm, "int8"),
    ):
        pass
    with pytest.raises(UserError, match="in few bits is not spread over devices"):
        Models("auto", load_in="8bit")


def test_an_adapter_that_rewrites_its_base_is_refused(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    odd = tmp_path / "pissa"
    shutil.copytree(checkpoints[1].folder, odd)
    about = odd / "adapter_config.json"
    about.write_text(json.dumps({**json.loads(about.read_text()), "init_lora_weights": "pissa"}))
    with (
        pytest.raises(DataError, match="pissa: rewrites its base, which must then be on one"),
        Models(PLACES).opened(find(odd)),
    ):
        pass
