"""Look-up by name, with the nearest name in the error; parts load only when they are asked for.

A method or a metric may also be a class in a file of the user's: `path/my_method.py:MyMethod`. What a kind's
classes must be is checked by the room of the kind: `methods.cards.look_up`, `metrics.catalogue`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from uqs.class_file import ClassFile, file_hash, is_file
from uqs.errors import UserError, nearest

__all__ = [
    "BUILT_IN",
    "Kind",
    "check",
    "file_hash",
    "get",
    "is_file",
    "names",
    "nearest",
    "problem",
]

Kind = str
IN_FILES = frozenset({"method", "metric"})
"""The kinds whose classes may stand in a file of the user's."""

BUILT_IN: Mapping[Kind, Mapping[str, str]] = {
    "benchmark": {
        "cifar10": "uqs.benchmarks.cifar10:CIFAR10",
        "clear": "uqs.benchmarks.clear:CLEAR",
        "fashion_mnist": "uqs.benchmarks.fashion_mnist:FashionMNIST",
        "fiubench": "uqs.benchmarks.fiubench:FIUBench",
        "mllmu_bench": "uqs.benchmarks.mllmu_bench:MLLMUBench",
        "unlok_vqa": "uqs.benchmarks.unlok_vqa:UnLOKVQA",
        "mmubench": "uqs.benchmarks.mmubench:MMUBench",
        "own": "uqs.benchmarks.own:Own",
        "tofu": "uqs.benchmarks.tofu:TOFU",
        "umu_bench": "uqs.benchmarks.umu_bench:UMUBench",
    },
    "model": {
        "blip2": "uqs.models.blip2:Blip2",
        "generic": "uqs.models.generic:Generic",
        "idefics3": "uqs.models.idefics3:Idefics3",
        "image_classifier": "uqs.models.image_classifier:ImageClassifier",
        "instructblip": "uqs.models.instructblip:InstructBlip",
        "internvl": "uqs.models.internvl:InternVL",
        "llava": "uqs.models.llava:Llava",
        "llava_next": "uqs.models.llava_next:LlavaNext",
        "llava_onevision": "uqs.models.llava_onevision:LlavaOnevision",
        "paligemma": "uqs.models.paligemma:PaliGemma",
        "qwen3_vl": "uqs.models.qwen3_vl:Qwen3VL",
        "qwen_vl": "uqs.models.qwen_vl:QwenVL",
        "resnet": "uqs.models.resnet:ResNet",
        "text_lm": "uqs.models.text_lm:TextLM",
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
        "cross_modal_disagreement": "uqs.metrics.cross_modal:CrossModalDisagreement",
        "choice_likelihood": "uqs.metrics.choice_likelihood:ChoiceLikelihood",
        "model_utility": "uqs.metrics.model_utility:ModelUtility",
        "rouge_recall": "uqs.metrics.rouge:RougeRecall",
        "answer_probability": "uqs.metrics.answer_probability:AnswerProbability",
        "truth_ratio": "uqs.metrics.truth_ratio:TruthRatio",
        "forget_quality": "uqs.metrics.forget_quality:ForgetQuality",
        "extraction_strength": "uqs.metrics.extraction_strength:ExtractionStrength",
        "exact_memorisation": "uqs.metrics.exact_memorisation:ExactMemorisation",
        "membership_advantage": "uqs.metrics.membership.loss:MembershipAdvantage",
        "membership_auc": "uqs.metrics.membership.loss:MembershipAUC",
        "membership_signed": "uqs.metrics.membership.loss:MembershipSigned",
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
        "relative_activation_distance": (
            "uqs.metrics.relative_activation_distance:RelativeActivationDistance"
        ),
        "linear_cka": "uqs.metrics.cka:LinearCKA",
        "jensen_shannon": "uqs.metrics.jensen_shannon:JensenShannon",
        "kl_to_oracle": "uqs.metrics.kl_divergence:KLToOracle",
        "kl_from_oracle": "uqs.metrics.kl_divergence:KLFromOracle",
        "oracle_distance": "uqs.metrics.oracle_distance:OracleDistance",
        "full_weight_distance": "uqs.metrics.full_weight_distance:FullWeightDistance",
        "functional_distance": "uqs.metrics.functional_distance:FunctionalDistance",
        "fade": "uqs.metrics.fade:FunctionalAlignment",
        "knowledge_recoverability_explicit": "uqs.metrics.recoverability:ExplicitRecoverability",
        "knowledge_recoverability_implicit": "uqs.metrics.recoverability:ImplicitRecoverability",
        "relearning_recovery": "uqs.metrics.relearning_recovery:RelearningRecovery",
        "quantisation_recovery": "uqs.metrics.quantisation_recovery:QuantisationRecovery",
        "linear_probe": "uqs.metrics.linear_probe:LinearProbe",
        "logit_lens": "uqs.metrics.logit_lens:LogitLens",
        "perplexity": "uqs.metrics.perplexity:Perplexity",
        "repetition": "uqs.metrics.repetition:Repetition",
        "empty_answers": "uqs.metrics.empty_answers:EmptyAnswers",
        "unread_choices": "uqs.metrics.unread_choices:UnreadChoices",
        "refusals": "uqs.metrics.refusals:Refusals",
    },
    "probe": {
        "reworded": "uqs.questions.reworded:RewordedProbe",
        "completion": "uqs.questions.completion:Completion",
        "indirect": "uqs.questions.indirect:IndirectProbe",
        "other_picture": "uqs.questions.other_picture:OtherPicture",
        "named": "uqs.questions.named:NamedProbe",
        "few_shot": "uqs.questions.few_shot:FewShotProbe",
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


def check(kind: Kind, name: str) -> None:
    """Raise a UserError where there is no such name, with the nearest one, or no such file."""
    if _in_file(kind, name):
        ClassFile.of(name).read()
    elif name not in names(kind):
        raise UserError(f"unknown {kind} {name!r}; {nearest(name, names(kind))}")


def get(kind: Kind, name: str) -> Any:
    """The registered class, or that of a file; what it must be is not checked here.

    Raises UserError where there is no such name, or what it names cannot be loaded.
    """
    check(kind, name)
    if _in_file(kind, name):
        return ClassFile.of(name).load()
    module, _, attribute = names(kind)[name].partition(":")
    try:
        return getattr(import_module(module), attribute)
    except Exception as error:
        if name in BUILT_IN[kind] and not isinstance(error, ImportError):
            raise
        raise UserError(f"{problem(kind, name)}: {error}") from error


def problem(kind: Kind, name: str) -> str:
    """How an error begins that is about the class of a plug-in."""
    if _in_file(kind, name):
        place = ClassFile.of(name)
        return f"{place.path}, {place.class_name}"
    return f"{kind} {name!r} cannot be loaded from {names(kind)[name]}"


def _in_file(kind: Kind, name: str) -> bool:
    return kind in IN_FILES and is_file(name)
