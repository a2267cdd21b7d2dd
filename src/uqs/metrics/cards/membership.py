"""Membership inference."""

from __future__ import annotations

from math import inf

from uqs.records import MetricCard

_YEOM = "Yeom et al. 2018 (arXiv 1709.01604)"
_LOW_FPR = "at 1 % FPR: Carlini et al. 2022 (arXiv 2112.03570)"
_ORACLE = frozenset({"oracle"})
_SHADOWS = frozenset({"shadows"})

MIA = MetricCard(
    "membership_advantage",
    "MIA",
    "lower",
    (0, 1),
    "forget",
    frozenset(),
    "loss attack: Yeom et al. 2018 (arXiv 1709.01604); chance-centred: authors of arXiv 2605.02206",
    "that no attack finds the members: a stronger one, or one aimed at single samples, still may",
)
MIA_AUC = MetricCard(
    "membership_auc",
    "MIA_AUC",
    "target",
    (0, 1),
    "forget",
    frozenset(),
    _YEOM,
    "that no single sample is exposed: an average over pairs hides the few that are certain",
)


def _auc(name: str, symbol: str, needs: frozenset[str], source: str, score: str) -> MetricCard:
    hides = f"that no member stands out by {score}: a few certain ones hardly move an average over pairs"
    return MetricCard(name + "_auc", symbol, "target", (0, 1), "forget", needs, source, hides)


def _advantage(
    name: str, symbol: str, needs: frozenset[str], source: str, score: str
) -> MetricCard:
    hides = f"that no other attack finds the members: this one knows nothing but {score}"
    name += "_advantage"
    return MetricCard(name, symbol, "lower", (0, 1), "forget", needs, source, hides)


def _tpr(name: str, symbol: str, needs: frozenset[str], source: str, score: str) -> MetricCard:
    hides = f"that the members are hidden: where {score} lies above every stranger's they count as missed"
    source = f"{source}; {_LOW_FPR}"
    return MetricCard(name + "_tpr", symbol, "lower", (0, 1), "forget", needs, source, hides)


def _attack(
    name: str, symbol: str, needs: frozenset[str], source: str, score: str
) -> tuple[MetricCard, MetricCard, MetricCard]:
    """AUC, advantage and TPR of an attack; `score` is what it knows of a sample, in words."""
    name, symbol = f"membership_{name}", f"MIA_{symbol}"
    return (
        _auc(name, symbol + "_AUC", needs, source, score),
        _advantage(name, symbol + "_ADV", needs, source, score),
        _tpr(name, symbol + "_TPR", needs, source, score),
    )


MIA_TPR = _tpr("membership", "MIA_TPR", frozenset(), _YEOM, "the loss")
MIA_ZLIB_AUC, MIA_ZLIB_ADV, MIA_ZLIB_TPR = _ZLIB = _attack(
    "zlib",
    "zlib",
    frozenset(),
    "Carlini et al. 2021 (arXiv 2012.07805)",
    "the loss over the answer's compressed length",
)
MIA_MIN_K_AUC, MIA_MIN_K_ADV, MIA_MIN_K_TPR = _MIN_K = _attack(
    "min_k",
    "min_k",
    frozenset(),
    "Min-K%, k = 20: Shi et al. 2024 (arXiv 2310.16789)",
    "the loss of the least likely tokens",
)
MIA_MIN_K_PLUS_AUC, MIA_MIN_K_PLUS_ADV, MIA_MIN_K_PLUS_TPR = _MIN_K_PLUS = _attack(
    "min_k_plus",
    "min_k++",
    frozenset(),
    "Min-K%++, k = 20: Zhang et al. 2025 (arXiv 2404.02936)",
    "the standardised loss of the least likely tokens",
)
MIA_GRAD_AUC, MIA_GRAD_ADV, MIA_GRAD_TPR = _GRAD = _attack(
    "gradient_norm",
    "grad",
    frozenset(),
    "Wang et al. 2024 (arXiv 2402.17012), output layer alone",
    "the gradient of the output layer",
)
MIA_REF_AUC, MIA_REF_ADV, MIA_REF_TPR = _REF = _attack(
    "reference",
    "ref",
    _ORACLE,
    "Carlini et al. 2021 (arXiv 2012.07805), oracle as reference",
    "the loss beyond the oracle's",
)
MIA_EFF = MetricCard(
    "membership_efficacy",
    "MIA_EFF",
    "higher",
    (0, 1),
    "forget",
    frozenset(),
    "Jia et al. 2023 (arXiv 2304.04934); Fan et al. 2024 (SalUn, arXiv 2310.12508)",
    "that the forgetting is unseen: confidence driven below any stranger's is perfect here and betrays it",
)
PRIVLEAK = MetricCard(
    "priv_leak",
    "PRIVLEAK",
    "target",
    (-100, inf),
    "forget",
    _ORACLE,
    "Shi et al. 2025 (MUSE, arXiv 2407.06460), Min-40%",
    "that forget cannot be told from holdout: only that it can as by the oracle, whose AUC need not be .5",
)
_U_LIRA = (
    "U-LiRA: Hayes et al. 2024 (arXiv 2403.01218); RULI: Naderloui et al. 2025 (arXiv 2506.13009)"
)
LIRA = MetricCard(
    "likelihood_ratio",
    "LIRA",
    "target",
    (0, 1),
    "forget",
    _SHADOWS,
    _U_LIRA,
    "that no member stands out by its likelihood ratio: a few certain ones hardly move an average over pairs",
)
LIRA_ADV = _advantage(
    "likelihood_ratio", "LIRA_ADV", _SHADOWS, _U_LIRA, "the confidence in the gold answer"
)
LIRA_TPR = MetricCard(
    "likelihood_ratio_tpr",
    "LIRA_TPR",
    "lower",
    (0, 1),
    "forget",
    _SHADOWS,
    f"{_U_LIRA}; {_LOW_FPR}",
    "that the members are hidden: shadow models unlearned in another way than the model point elsewhere",
)
CARDS = (
    *(MIA, MIA_AUC, MIA_TPR),
    *(*_ZLIB, *_MIN_K, *_MIN_K_PLUS, *_GRAD, *_REF),
    *(MIA_EFF, PRIVLEAK, LIRA, LIRA_ADV, LIRA_TPR),
)
