"""Checkpoints with something wrong are refused with the keys named, whatever transformers and peft do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from uqs.errors import DataError
from uqs.models.opening import adapter_config, put_adapter, rewrites_base

Tensors = dict[str, Tensor]
WEIGHTS = "model.safetensors"
LLAVA = {
    "language": "language_model.model.layers.1.mlp.up_proj.weight",
    "vision": "vision_tower.vision_model.encoder.layers.0.mlp.fc1.bias",
    "projector": "multi_modal_projector.linear_1.weight",
    "embedding": "language_model.model.embed_tokens.weight",
}


def written(vlm, folder: Path) -> Path:  # type: ignore[no-untyped-def]
    """A model's folder, as transformers writes it."""
    vlm.model.save_pretrained(folder)
    vlm.processor.tokenizer.save_pretrained(folder)
    vlm.processor.image_processor.save_pretrained(folder)
    if hasattr(vlm.processor, "save_pretrained"):
        vlm.processor.save_pretrained(folder)
    return folder


def change(folder: Path, how: Callable[[Tensors], object], name: str = WEIGHTS) -> None:
    tensors = load_file(folder / name)
    how(tensors)
    save_file(tensors, folder / name, metadata={"format": "pt"})


def keys(folder: Path, name: str = WEIGHTS) -> list[str]:
    with safe_open(folder / name, framework="pt") as opened:
        return sorted(opened.keys())


@pytest.fixture
def llava(make_vlm, tmp_path: Path) -> tuple[type, Path]:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    return type(vlm), written(vlm, tmp_path / "model")


def test_a_whole_model_opens_and_is_what_was_written(make_vlm, llava) -> None:  # type: ignore[no-untyped-def]
    family, folder = llava
    found, wanted = family.load(folder).model.state_dict(), make_vlm().model.state_dict()
    assert found.keys() == wanted.keys()
    for name, tensor in wanted.items():  # copies, which have the same bits everywhere
        assert torch.equal(found[name], tensor)


@pytest.mark.parametrize("kind", ["qwen2_vl", "qwen2_5_vl", "blip2", "llava"])
@pytest.mark.parametrize("part", ["vision|visual", "language", "merger|projector|qformer"])
def test_a_weight_that_is_missing_is_named(  # type: ignore[no-untyped-def]
    make_vlm, make_qwen, make_blip2, tmp_path: Path, kind: str, part: str
) -> None:
    made = {"llava": make_vlm, "blip2": make_blip2}
    vlm = made[kind]() if kind in made else make_qwen(model_type=kind)
    folder = written(vlm, tmp_path)
    type(vlm).load(folder)
    inner = "layer" if part == "language" else ""
    lost = [k for k in keys(folder) if re.search(part, k) and inner in k and k.endswith("weight")]
    if kind.startswith("qwen") and part == "language":
        lost = [k for k in keys(folder) if k.startswith(("model.layers", "model.language"))]
    change(folder, lambda tensors: tensors.pop(lost[0]))
    tail = ".".join(lost[0].split(".")[-3:])
    with pytest.raises(DataError, match=rf"{tmp_path}: .*1 missing \(.*{re.escape(tail)}\)"):
        type(vlm).load(folder)


@pytest.mark.parametrize("name", LLAVA)
def test_every_part_of_a_model_is_needed(llava, name: str) -> None:  # type: ignore[no-untyped-def]
    family, folder = llava
    end = ".".join(LLAVA[name].split(".")[-3:])
    lost = next(key for key in keys(folder) if key.endswith(end))
    change(folder, lambda tensors: tensors.pop(lost))
    with pytest.raises(DataError, match=rf"missing \(.*{re.escape(end)}"):
        family.load(folder)


def test_a_model_saved_with_its_adapter_in_it_is_refused(llava) -> None:  # type: ignore[no-untyped-def]
    family, folder = llava

    def as_wrapped(tensors: Tensors) -> None:
        for key in [k for k in tensors if k.endswith("q_proj.weight") and "language" in k]:
            tensors[key.replace("q_proj.weight", "q_proj.base_layer.weight")] = tensors.pop(key)
            tensors[key.replace("q_proj.weight", "q_proj.lora_A.default.weight")] = torch.ones(2, 2)

    change(folder, as_wrapped)
    problem = (
        r"3 missing \(.*layers\.0\.self_attn\.q_proj\.weight, .*layers\.1.*, .*layers\.2.*\); "
        r"6 unexpected \(.*q_proj\.base_layer\.weight, .* and 3 more\)$"
    )
    with pytest.raises(DataError, match=problem) as caught:
        family.load(folder)
    assert "\n" not in str(caught.value)


def test_another_shape_is_named(llava) -> None:  # type: ignore[no-untyped-def]
    family, folder = llava
    key = next(key for key in keys(folder) if key.endswith("layers.1.mlp.up_proj.weight"))
    change(folder, lambda tensors: tensors.update({key: torch.zeros(256, 64)}))
    problem = r"1 of another shape \(.*up_proj\.weight \(256, 64\) instead of \(256, 128\)\)"
    with pytest.raises(DataError, match=problem):
        family.load(folder)


def test_what_is_tied_may_be_missing_where_the_other_is_there(make_vlm, llava) -> None:  # type: ignore[no-untyped-def]
    family, folder = llava
    assert not any("lm_head" in key for key in keys(folder))

    def other_side(tensors: Tensors) -> None:
        key = next(one for one in tensors if one.endswith("embed_tokens.weight"))
        tensors["lm_head.weight"] = tensors.pop(key)

    change(folder, other_side)
    found = family.load(folder).model
    assert torch.equal(found.get_input_embeddings().weight, make_vlm().model.lm_head.weight)
    change(folder, lambda tensors: tensors.pop("lm_head.weight"))
    with pytest.raises(DataError, match=r"missing \(lm_head\.weight, .*embed_tokens\.weight\)"):
        family.load(folder)


def test_the_layout_of_older_files_is_read(make_vlm, llava) -> None:  # type: ignore[no-untyped-def]
    family, folder = llava

    def older(tensors: Tensors) -> None:
        for key in list(tensors):
            plain = key.removeprefix("model.")
            plain = plain.replace("language_model.", "language_model.model.", 1)
            tensors[plain.replace("model.model.", "model.")] = tensors.pop(key)
        # buffers that older versions wrote, and that the configuration gives
        tensors["vision_tower.vision_model.embeddings.position_ids"] = torch.arange(5)[None]
        tensors["language_model.model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(16)

    change(folder, older)
    found, wanted = family.load(folder).model.state_dict(), make_vlm().model.state_dict()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_a_declaration_that_a_weight_may_be_missing_is_not_believed(llava, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from transformers import LlavaForConditionalGeneration

    family, folder = llava
    monkeypatch.setattr(
        LlavaForConditionalGeneration, "_keys_to_ignore_on_load_missing", [r"projector"]
    )
    family.load(folder)
    key = next(key for key in keys(folder) if key.endswith("projector.linear_2.weight"))
    change(folder, lambda tensors: tensors.pop(key))
    with pytest.raises(DataError, match=r"1 missing \(.*projector\.linear_2\.weight\)"):
        family.load(folder)


def test_a_truncated_file_is_named(llava) -> None:  # type: ignore[no-untyped-def]
    family, folder = llava
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match=r"model: cannot be loaded \(SafetensorError"):
        family.load(folder)


def sharded(make_vlm, folder: Path) -> list[Path]:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    written(vlm, folder)
    (folder / WEIGHTS).unlink()
    vlm.model.save_pretrained(folder, max_shard_size="1MB")
    shards = sorted(folder.glob("model-*.safetensors"))
    assert len(shards) > 2
    return shards


def test_a_shard_that_is_missing_is_named(make_vlm, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    shards = sharded(make_vlm, tmp_path)
    family = type(make_vlm())
    family.load(tmp_path)
    shards[1].unlink()
    with pytest.raises(
        DataError, match=rf"index\.json.*names {shards[1].name}, which does not exist"
    ):
        family.load(tmp_path)


def test_a_shard_with_less_than_its_index_promises_is_named(make_vlm, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    shards = sharded(make_vlm, tmp_path)
    change(tmp_path, lambda tensors: tensors.popitem(), shards[1].name)
    with pytest.raises(DataError, match="1 missing"):
        type(make_vlm()).load(tmp_path)


@pytest.mark.parametrize("index", ["{", "[]", '{"weight_map": 3}', "{}"])
def test_an_index_that_is_none_is_named(make_vlm, tmp_path: Path, index: str) -> None:  # type: ignore[no-untyped-def]
    sharded(make_vlm, tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text(index)
    with pytest.raises(DataError, match=r"index\.json: is not an index of weights"):
        type(make_vlm()).load(tmp_path)


def test_tokens_without_an_embedding_are_refused(make_vlm, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    rows = len(vlm.tokenizer)
    vlm.processor.tokenizer.add_tokens(["Zanzibar"])
    folder = written(vlm, tmp_path)
    with pytest.raises(DataError, match=rf"no embedding for: Zanzibar; the model has {rows} embed"):
        type(vlm).load(folder)


def test_a_base_that_is_an_adapter_is_refused(llava) -> None:  # type: ignore[no-untyped-def]
    family, folder = llava
    (folder / "adapter_config.json").write_text("{}")
    with pytest.raises(DataError, match="is an adapter, but a whole model is needed"):
        family.load(folder)


def adapter(vlm, folder: Path, **settings: object) -> Path:  # type: ignore[no-untyped-def]
    from peft import LoraConfig, get_peft_model

    targets = {"target_modules": vlm.targets["language.attention"]}
    adapted = get_peft_model(vlm.model, LoraConfig(r=2, **(targets | settings)))
    adapted.save_pretrained(str(folder), save_embedding_layers=False)
    return folder


FILE = "adapter_model.safetensors"


def first(tensors: Tensors, part: str) -> str:
    return next(key for key in sorted(tensors) if part in key)


@pytest.mark.parametrize(
    ("settings", "lost", "said"),
    [
        (
            {},
            "layers.1.self_attn.k_proj.lora_B.weight",
            r"layers\.1\.self_attn\.k_proj\.lora_B\.weight",
        ),
        ({"use_dora": True}, "lora_magnitude_vector", "lora_magnitude_vector"),
        ({"lora_bias": True}, "lora_B.bias", r"lora_B\.bias"),
        ({"bias": "all"}, "projector.linear_1.bias", r"projector\.linear_1\.bias"),
        ({"modules_to_save": ["multi_modal_projector"]}, "linear_2.weight", r"linear_2\.weight"),
        ({"trainable_token_indices": [3, 4]}, "trainable_tokens", "trainable_tokens"),
        ({"target_modules": ["q_proj", "embed_tokens"]}, "lora_embedding_A", "lora_embedding_A"),
    ],
)
@pytest.mark.filterwarnings("ignore:`lora_bias=True` was passed but")
@pytest.mark.filterwarnings("ignore:Adapter 'default'.*invalid shape")
@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True`")
def test_an_adapter_that_lacks_a_weight_is_refused(  # type: ignore[no-untyped-def]
    make_vlm, tmp_path: Path, settings: dict[str, object], lost: str, said: str
) -> None:
    folder = adapter(make_vlm(), tmp_path, **settings)
    put_adapter(make_vlm().model, folder, trainable=False)
    change(folder, lambda tensors: tensors.pop(first(tensors, lost)), FILE)
    with pytest.raises(DataError, match=said):
        put_adapter(make_vlm().model, folder, trainable=False)


def test_an_adapter_with_no_weights_for_layers_that_it_promises_is_refused(
    make_vlm, tmp_path
) -> None:  # type: ignore[no-untyped-def]
    folder = adapter(make_vlm(), tmp_path)
    about = folder / "adapter_config.json"
    config = json.loads(about.read_text())
    about.write_text(json.dumps(config | {"target_modules": make_vlm().targets["language.all"]}))
    with pytest.raises(DataError, match=r"adapter_model.*18 missing \(.*mlp\.down_proj\.lora_A"):
        put_adapter(make_vlm().model, folder, trainable=False)


@pytest.mark.parametrize(
    "further",
    [
        "base_model.model.model.language_model.layers.9.self_attn.q_proj.lora_A.weight",
        "base_model.model.model.language_model.layers.0.mlp.up_proj.lora_A.weight",
        "base_model.model.model.language_model.layers.0.self_attn.q_proj.lora_magnitude_vector",
        "something",
    ],
)
def test_an_adapter_with_more_than_it_says_is_refused(make_vlm, tmp_path, further: str) -> None:  # type: ignore[no-untyped-def]
    folder = adapter(make_vlm(), tmp_path)
    change(folder, lambda tensors: tensors.update({further: torch.ones(2, 128)}), FILE)
    with pytest.raises(DataError, match=rf"1 unexpected \({further.rpartition('.')[0]}"):
        put_adapter(make_vlm().model, folder, trainable=False)


def test_an_adapter_of_another_shape_is_refused(make_vlm, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = adapter(make_vlm(), tmp_path)
    change(
        folder, lambda tensors: tensors.update({first(tensors, "lora_A"): torch.ones(3, 128)}), FILE
    )
    with pytest.raises(DataError, match=r"size mismatch for .*lora_A"):
        put_adapter(make_vlm().model, folder, trainable=False)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"use_dora": True},
        {"use_rslora": True},
        {"init_lora_weights": "pissa"},
        {"init_lora_weights": "olora"},
        {"modules_to_save": ["multi_modal_projector"]},
        {"modules_to_save": ["embed_tokens"]},
        {"bias": "all"},
        {"trainable_token_indices": [3, 4]},
        {"target_modules": ["q_proj", "embed_tokens"]},
        {"fan_in_fan_out": True},
    ],
)
@pytest.mark.filterwarnings("ignore:fan_in_fan_out is set to True but")
@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True`")
def test_an_adapter_is_what_peft_makes_of_it_bit_for_bit(  # type: ignore[no-untyped-def]
    make_vlm, tmp_path: Path, settings: dict[str, object]
) -> None:
    from peft import PeftModel

    folder = adapter(make_vlm(), tmp_path, **settings)
    change(folder, lambda tensors: tensors.update({k: t + 0.01 for k, t in tensors.items()}), FILE)
    torch.manual_seed(1)
    wanted = PeftModel.from_pretrained(make_vlm().model, folder).state_dict()
    torch.manual_seed(2)
    found = put_adapter(make_vlm().model, folder, trainable=False).state_dict()
    assert found.keys() == wanted.keys()
    for name, tensor in wanted.items():  # the same operations on the same processor
        assert torch.equal(found[name], tensor), name


def test_a_start_that_is_drawn_anew_each_time_is_refused(make_vlm, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from peft import PeftModel

    folder = adapter(make_vlm(), tmp_path, init_lora_weights="pissa_niter_2")
    with pytest.raises(DataError, match=r"'init_lora_weights'.*random draw.*path_initial_model"):
        put_adapter(make_vlm().model, folder, trainable=False)
    drawn = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        drawn.append(PeftModel.from_pretrained(make_vlm().model, folder).state_dict())
    assert any(not torch.equal(drawn[0][name], drawn[1][name]) for name in drawn[0])


@pytest.mark.parametrize("start", ["loftq", "corda"])
def test_a_start_that_peft_cannot_make_again_is_told(make_vlm, tmp_path: Path, start: str) -> None:  # type: ignore[no-untyped-def]
    from importlib.util import find_spec

    if start == "loftq" and find_spec("bitsandbytes"):
        pytest.skip("bitsandbytes makes it again")
    folder = adapter(make_vlm(), tmp_path)
    about = folder / "adapter_config.json"
    config = json.loads(about.read_text()) | {"init_lora_weights": start}
    config |= {"loftq_config": {"loftq_bits": 4, "loftq_iter": 1}} if start == "loftq" else {}
    config |= {"corda_config": {}} if start == "corda" else {}
    about.write_text(json.dumps(config))
    with pytest.raises(
        DataError, match=r"cannot be put on its base \(\w+: .*(eigens|bitsandbytes)"
    ):
        put_adapter(make_vlm().model, folder, trainable=False)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('{"peft_type": "IA3"}', "'IA3': only LoRA adapters are read"),
        ('{"peft_type": "LORA", "layer_replication": [[0, 2]]}', "'layer_replication'"),
        ("{", "is not readable JSON"),
        ("[]", "is not a JSON object"),
    ],
)
def test_other_adapters_are_not_read(tmp_path: Path, config: str, said: str) -> None:
    (tmp_path / "adapter_config.json").write_text(config)
    with pytest.raises(DataError, match=said):
        adapter_config(tmp_path)


@pytest.mark.parametrize("start", [True, "gaussian", "orthogonal", "mica", "pissa", "olora"])
def test_it_is_known_which_adapters_rewrite_their_base(make_vlm, tmp_path: Path, start) -> None:  # type: ignore[no-untyped-def]
    folder = adapter(make_vlm(), tmp_path, init_lora_weights=start)
    plain = make_vlm().model
    before = {name: tensor.clone() for name, tensor in plain.state_dict().items()}
    put_adapter(plain, folder, trainable=False).unload()
    changed = any(not torch.equal(plain.state_dict()[name], before[name]) for name in before)
    assert changed == rewrites_base(folder)
