"""What of the suppressed knowledge can be brought back."""

from __future__ import annotations

from uqs.records import MetricCard

KR = MetricCard(
    "knowledge_recoverability_explicit",
    "KR",
    "target",
    (0, 1),
    "forget",
    frozenset({"probes"}),
    "probes: Lynch et al. 2024 (arXiv 2402.16835), Patil et al. 2024 (arXiv 2309.17410)",
    "that the knowledge is gone: the model may still tell the right answer from wrong ones",
)
KR_IMP = MetricCard(
    "knowledge_recoverability_implicit",
    "KR_IMP",
    "target",
    (0, 1),
    "forget",
    frozenset({"probes", "candidates"}),
    "probes: Lynch et al. 2024 (arXiv 2402.16835), Patil et al. 2024 (arXiv 2309.17410)",
    "that the answer cannot be had: another way to ask may still bring it out in full",
)
RELEARN = MetricCard(
    "relearning_recovery",
    "RELEARN",
    "target",
    (-1, 1),
    "forget",
    frozenset({"derived"}),
    "Deeb, Roger 2024 (arXiv 2410.08827); Hu et al. 2024 (arXiv 2406.13356)",
    "that anything was forgotten: a model that still answers everything has nothing left to relearn",
)
QUANT = MetricCard(
    "quantisation_recovery",
    "QUANT",
    "target",
    (0, 1),
    "forget",
    frozenset({"derived"}),
    "Zhang et al. 2024 (arXiv 2410.16454)",
    "that the knowledge is gone: what coarser weights leave hidden, another question may bring out",
)
LINPROBE = MetricCard(
    "linear_probe",
    "LINPROBE",
    "target",
    (-1, 1),
    "forget",
    frozenset({"candidates"}),
    "selectivity: Hewitt, Liang 2019 (arXiv 1909.03368)",
    "that nothing is encoded: a code that is not linear, or lies in another layer, is not read",
)
LENS = MetricCard(
    "logit_lens",
    "LENS",
    "target",
    (0, 1),
    "forget",
    frozenset(),
    "logit lens: nostalgebraist 2020; as an attack: Patil et al. 2024 (arXiv 2309.17410)",
    "that nothing can be read inside: a code in other directions than the output's is not looked for",
)
CARDS: tuple[MetricCard, ...] = (KR, KR_IMP, RELEARN, QUANT, LINPROBE, LENS)
