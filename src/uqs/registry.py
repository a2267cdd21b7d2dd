"""Look-up by name, with the nearest name in the error; parts load only when they are asked for.

A method may also be a class in a file of the user's: `path/my_method.py:MyMethod`.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from uqs.class_file import ClassFile, file_hash, is_file
from uqs.errors import UserError

__all__ = ["BUILT_IN", "Kind", "check", "file_hash", "get", "is_file", "names", "nearest"]

Kind = str

BUILT_IN: Mapping[Kind, Mapping[str, str]] = {
    "benchmark": {
        "mllmu_bench": "uqs.benchmarks.mllmu_bench:MLLMUBench",
        "unlok_vqa": "uqs.benchmarks.unlok_vqa:UnLOKVQA",
        "mmubench": "uqs.benchmarks.mmubench:MMUBench",
    },
    "model": {
        "blip2": "uqs.models.blip2:Blip2",
        "llava": "uqs.models.llava:Llava",
        "qwen_vl": "uqs.models.qwen_vl:QwenVL",
        "tiny_llava": "uqs.models.tiny_llava:TinyLlava",
    },
    "method": {
        "gradient_ascent": "uqs.methods.gradient_ascent:GradientAscent",
        "grad_diff": "uqs.methods.grad_diff:GradDiff",
        "kl_minimisation": "uqs.methods.kl_minimisation:KLMinimisation",
        "neggrad_plus": "uqs.methods.neggrad_plus:NegGradPlus",
        "scrub": "uqs.methods.scrub:Scrub",
        "bad_teacher": "uqs.methods.bad_teacher:BadTeacher",
        "lora_l1": "uqs.methods.lora_l1:LoraL1",
        "random_labels": "uqs.methods.random_labels:RandomLabels",
        "salun": "uqs.methods.salun:SalUn",
        "finetune_retain": "uqs.methods.finetune_retain:FinetuneRetain",
        "idk": "uqs.methods.idk:IDK",
        "dpo": "uqs.methods.dpo:DPO",
        "npo": "uqs.methods.npo:NPO",
        "simnpo": "uqs.methods.simnpo:SimNPO",
        "rmu": "uqs.methods.rmu:RMU",
        "siu": "uqs.methods.siu:SIU",
        "mmunlearner": "uqs.methods.mmunlearner:MMUnlearner",
        "manu": "uqs.methods.manu:MANU",
        "task_vector": "uqs.methods.task_vector:TaskVector",
        "retrain": "uqs.methods.retrain:Retrain",
        "original": "uqs.methods.original:Original",
        "guardrail": "uqs.methods.guardrail:Guardrail",
    },
    "metric": {
        "forget_accuracy": "uqs.metrics.accuracy:ForgetAccuracy",
        "retain_accuracy": "uqs.metrics.accuracy:RetainAccuracy",
        "rouge_recall": "uqs.metrics.rouge:RougeRecall",
        "answer_probability": "uqs.metrics.answer_probability:AnswerProbability",
        "truth_ratio": "uqs.metrics.truth_ratio:TruthRatio",
        "extraction_strength": "uqs.metrics.extraction_strength:ExtractionStrength",
        "exact_memorisation": "uqs.metrics.exact_memorisation:ExactMemorisation",
        "perplexity": "uqs.metrics.perplexity:Perplexity",
        "repetition": "uqs.metrics.repetition:Repetition",
        "empty_answers": "uqs.metrics.empty_answers:EmptyAnswers",
        "refusals": "uqs.metrics.refusals:Refusals",
        "membership_advantage": "uqs.metrics.membership.loss:MembershipAdvantage",
        "membership_auc": "uqs.metrics.membership.loss:MembershipAUC",
        "membership_tpr": "uqs.metrics.membership.loss:MembershipTPR",
        "membership_zlib_auc": "uqs.metrics.membership.zlib_ratio:ZlibAUC",
        "membership_zlib_advantage": "uqs.metrics.membership.zlib_ratio:ZlibAdvantage",
        "membership_zlib_tpr": "uqs.metrics.membership.zlib_ratio:ZlibTPR",
        "membership_min_k_auc": "uqs.metrics.membership.min_k:MinKAUC",
        "membership_min_k_advantage": "uqs.metrics.membership.min_k:MinKAdvantage",
        "membership_min_k_tpr": "uqs.metrics.membership.min_k:MinKTPR",
        "membership_min_k_plus_auc": "uqs.metrics.membership.min_k_plus:MinKPlusAUC",
        "membership_min_k_plus_advantage": "uqs.metrics.membership.min_k_plus:MinKPlusAdvantage",
        "membership_min_k_plus_tpr": "uqs.metrics.membership.min_k_plus:MinKPlusTPR",
        "membership_gradient_norm_auc": "uqs.metrics.membership.gradient_norm:GradientNormAUC",
        "membership_gradient_norm_advantage": "uqs.metrics.membership.gradient_norm:GradientNormAdvantage",
        "membership_gradient_norm_tpr": "uqs.metrics.membership.gradient_norm:GradientNormTPR",
        "membership_reference_auc": "uqs.metrics.membership.reference:ReferenceAUC",
        "membership_reference_advantage": "uqs.metrics.membership.reference:ReferenceAdvantage",
        "membership_reference_tpr": "uqs.metrics.membership.reference:ReferenceTPR",
        "membership_efficacy": "uqs.metrics.membership.efficacy:MembershipEfficacy",
        "priv_leak": "uqs.metrics.membership.priv_leak:PrivLeak",
        "likelihood_ratio": "uqs.metrics.membership.likelihood_ratio:LikelihoodRatio",
        "likelihood_ratio_advantage": "uqs.metrics.membership.likelihood_ratio:LikelihoodRatioAdvantage",
        "likelihood_ratio_tpr": "uqs.metrics.membership.likelihood_ratio:LikelihoodRatioTPR",
        "activation_distance": "uqs.metrics.activation_distance:ActivationDistance",
        "jensen_shannon": "uqs.metrics.jensen_shannon:JensenShannon",
        "oracle_distance": "uqs.metrics.oracle_distance:OracleDistance",
        "functional_distance": "uqs.metrics.functional_distance:FunctionalDistance",
        "relative_activation_distance": (
            "uqs.metrics.relative_activation_distance:RelativeActivationDistance"
        ),
        "linear_cka": "uqs.metrics.cka:LinearCKA",
        "kl_to_oracle": "uqs.metrics.kl_divergence:KLToOracle",
        "kl_from_oracle": "uqs.metrics.kl_divergence:KLFromOracle",
        "full_weight_distance": "uqs.metrics.full_weight_distance:FullWeightDistance",
        "fade": "uqs.metrics.fade:FunctionalAlignment",
        "knowledge_recoverability_explicit": "uqs.metrics.recoverability:ExplicitRecoverability",
        "knowledge_recoverability_implicit": "uqs.metrics.recoverability:ImplicitRecoverability",
        "relearning_recovery": "uqs.metrics.relearning_recovery:RelearningRecovery",
        "quantisation_recovery": "uqs.metrics.quantisation_recovery:QuantisationRecovery",
        "linear_probe": "uqs.metrics.linear_probe:LinearProbe",
        "logit_lens": "uqs.metrics.logit_lens:LogitLens",
    },
    "probe": {
        "reworded": "uqs.questions.reworded:Reworded",
        "completion": "uqs.questions.completion:Completion",
        "indirect": "uqs.questions.indirect:Indirect",
        "other_picture": "uqs.questions.other_picture:OtherPicture",
        "named": "uqs.questions.named:Named",
        "few_shot": "uqs.questions.few_shot:FewShot",
        "negation": "uqs.questions.negation:Negation",
        "discrimination": "uqs.questions.discrimination:Discrimination",
        "likelihood_rank": "uqs.questions.likelihood_rank:LikelihoodRank",
    },
}


@cache
def names(kind: Kind) -> Mapping[str, str]:
    """All names of a kind, sorted, with where each is found; plug-ins come by entry point `uqs.<kind>s`."""
    found = {point.name: point.value for point in entry_points(group=f"uqs.{kind}s")}
    if doubled := sorted(set(found) & set(BUILT_IN[kind])):
        raise UserError(
            f"a plug-in ({found[doubled[0]]}) takes the built-in {kind} name {doubled[0]!r}"
        )
    return dict(sorted({**BUILT_IN[kind], **found}.items()))


def nearest(word: str, known: list[str]) -> str:
    """A hint for a name that is not known, ready to be put behind the error."""
    close = get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"


def check(kind: Kind, name: str) -> None:
    """Raise a UserError where there is no such name, with the nearest one, or no such file of a method."""
    if kind == "method" and is_file(name):
        ClassFile.of(name).read()
    elif name not in names(kind):
        raise UserError(f"unknown {kind} {name!r}; {nearest(name, list(names(kind)))}")


def get(kind: Kind, name: str) -> Any:
    """The registered class, or that of a method's file.

    Raises UserError where there is no such name, what it names cannot be loaded, or a plug-in is no method
    with a card of its own.
    """
    check(kind, name)
    if kind == "method" and is_file(name):
        place = ClassFile.of(name)
        found: Any = place.load()
        _check_method(found, f"{place.path}, {place.class_name}")
        return found
    return _from_package(kind, name, names(kind)[name])


def _from_package(kind: Kind, name: str, place: str) -> Any:
    module, _, attribute = place.partition(":")
    problem = f"{kind} {name!r} cannot be loaded from {place}"
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UserError(f"{problem}: {error}") from error
    if kind == "method" and name not in BUILT_IN[kind]:
        _check_method(found, problem)
        if found.card.name != name:
            raise UserError(f"{problem}: its card says {found.card.name!r}")
    return found


def _check_method(found: object, where: str) -> None:
    """Raise a UserError where a plug-in is no method with a card of its own."""
    # by name: the core asks the registry too, and never for a method
    method = import_module("uqs.methods.base").Method
    card_class = import_module("uqs.methods.cards.card").MethodCard
    if not (isinstance(found, type) and issubclass(found, method)):
        raise UserError(f"{where}: it is no subclass of uqs.methods.base.Method")
    card = getattr(found, "card", None)
    if card is None or not isinstance(card, card_class):
        raise UserError(f"{where}: it declares no `card`, a uqs.methods.cards.card.MethodCard")
    if card.name in BUILT_IN["method"]:
        raise UserError(f"{where}: its card takes the built-in method name {card.name!r}")
