from __future__ import annotations

import pytest
import torch

from uqs.methods.base import trainable
from uqs.methods.losses import answer_cross_entropy
from uqs.methods.salun import SalUn, saliency_masks
from uqs.methods.settings import SalUnSettings
from uqs.methods.trainer import Schedule, train
from uqs.models.adapter import attach
from uqs.models.settings import AdapterSettings
from uqs.records import Split


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_the_mask_is_the_most_salient_share(make_vlm, samples, share) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    attach(vlm, AdapterSettings(r=2), seed=0)
    encoded = vlm.encode(samples)
    masks = saliency_masks(vlm, encoded, share, batch_size=len(samples))
    answer_cross_entropy(vlm, vlm.batch(encoded, range(len(samples)))).backward()
    gradient = torch.cat([p.grad.abs().flatten() for p in trainable(vlm).values()])
    mask = torch.cat([masks[name].flatten() for name in trainable(vlm)])
    assert set(mask.unique().tolist()) <= {0.0, 1.0}
    assert int(mask.sum()) == round(share * mask.numel())
    if share < 1:
        assert gradient[mask == 1].min() >= gradient[mask == 0].max()


def test_weights_outside_the_mask_stay_bit_for_bit(make_vlm, samples) -> None:  # type: ignore[no-untyped-def]
    vlm = make_vlm()
    attach(vlm, AdapterSettings(r=2), seed=0)
    with torch.no_grad():
        for parameter in trainable(vlm).values():
            parameter.add_(0.1)
    before = {name: p.detach().clone() for name, p in trainable(vlm).items()}
    data = {
        "forget": Split("forget", tuple(samples[:9])),
        "retain": Split("retain", tuple(samples[9:])),
    }
    method = SalUn(SalUnSettings(steps=4, batch_size=6, mask_share=0.3))
    generator = torch.Generator().manual_seed(0)
    streams = method.streams(vlm, data, generator)
    train(vlm, method, dict(streams), Schedule(4, 1e-2), generator)
    for name, parameter in trainable(vlm).items():
        kept = method.masks[name] == 0
        assert torch.equal(parameter[kept], before[name][kept])
    changed = sum(int((p != before[n]).sum()) for n, p in trainable(vlm).items())
    assert changed > 0.8 * sum(int(m.sum()) for m in method.masks.values())
