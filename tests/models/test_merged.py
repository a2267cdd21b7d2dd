from __future__ import annotations

import torch

from uqs.models import adapter, merged
from uqs.models.fingerprint import fingerprint
from uqs.models.settings import AdapterSettings
from uqs.models.vlm import VLM

LORA = AdapterSettings(kind="lora", r=4, alpha=8, targets="language.all+projector")


def adapted(make_vlm) -> VLM:  # type: ignore[no-untyped-def]
    vlm: VLM = make_vlm()
    adapter.attach(vlm, LORA, seed=1)
    generator = torch.Generator().manual_seed(2)
    for name, parameter in vlm.model.named_parameters():
        if "lora_B" in name:
            parameter.data = 0.1 * torch.randn(parameter.shape, generator=generator)
    return vlm


def test_a_merged_model_says_the_same_and_is_itself_again_afterwards(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = adapted(make_vlm)
    inputs = {**vlm.batch(vlm.encode(samples), range(4)).inputs, "use_cache": False}
    with torch.no_grad():
        own, before = vlm.run(inputs).logits, fingerprint(vlm.model)
        with merged.merged(vlm):
            assert vlm.model.base_model.model.model.language_model.layers[0].self_attn.q_proj.merged
            assert fingerprint(vlm.model) != before
            torch.testing.assert_close(vlm.run(inputs).logits, own, rtol=1e-4, atol=1e-4)
        assert torch.equal(vlm.run(inputs).logits, own)
    assert fingerprint(vlm.model) == before


def test_large_models_and_half_precision_stay_as_they_are(make_vlm, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    vlm = adapted(make_vlm)
    before = fingerprint(vlm.model)
    with monkeypatch.context() as limited:
        limited.setattr(merged, "MOST", 1000)
        with merged.merged(vlm):
            assert fingerprint(vlm.model) == before
    vlm.model.to(torch.bfloat16)
    before = fingerprint(vlm.model)
    with merged.merged(vlm):
        assert fingerprint(vlm.model) == before


def test_an_adapter_that_is_not_finite_stays_beside_the_weights(make_vlm) -> None:  # type: ignore[no-untyped-def]
    vlm = adapted(make_vlm)
    next(p for n, p in vlm.model.named_parameters() if "lora_B" in n).data.fill_(float("nan"))
    with merged.merged(vlm):
        assert not vlm.model.base_model.model.model.language_model.layers[0].self_attn.q_proj.merged
