from __future__ import annotations

import dataclasses

import numpy as np

from uqs.evaluation.oracles import trained_on_everything, trained_on_forget


def answering(make_trace, split: str, right: float):  # type: ignore[no-untyped-def]
    trace = make_trace(split, entities=20, each=5)
    order = np.random.default_rng(0).permutation(100)
    answers = tuple("red" if i < 100 * right else "blue" for i in order)
    return dataclasses.replace(trace, answers=answers)


def test_one_that_answers_forget_like_the_original_is_no_oracle(make_trace) -> None:  # type: ignore[no-untyped-def]
    forget, holdout = answering(make_trace, "forget", 0.97), answering(make_trace, "holdout", 0.1)
    reason = trained_on_forget(forget, holdout, answering(make_trace, "forget", 1.0))
    assert reason is not None
    assert "97% of the forget questions right and 10% of the holdout" in reason
    assert trained_on_forget(forget, holdout) is not None


def test_chance_and_easier_questions_accuse_nobody(make_trace) -> None:  # type: ignore[no-untyped-def]
    holdout = answering(make_trace, "holdout", 0.1)
    assert trained_on_forget(answering(make_trace, "forget", 0.12), holdout) is None
    easier = answering(make_trace, "forget", 0.4)
    assert trained_on_forget(easier, holdout, answering(make_trace, "forget", 1.0)) is None


def model(make_trace, forget: float, holdout: float, retain: float = 0.97):  # type: ignore[no-untyped-def]
    """Traces of a model that answers such shares right; what it was trained on has small losses."""
    shares = {"forget": forget, "holdout": holdout, "retain": retain}
    found = {}
    for split, right in shares.items():
        trace = answering(make_trace, split, right)
        trace = dataclasses.replace(trace, golds=GOLDS)
        answers = tuple(
            gold if i < 100 * right else "none" for i, gold in zip(ORDER, GOLDS, strict=True)
        )
        scale = 0.1 if right > 0.5 else 5.0
        losses = scale * np.random.default_rng(len(split)).gamma(2, size=trace.gold_log_probs.shape)
        found[split] = dataclasses.replace(
            trace, answers=answers, gold_log_probs=-losses.astype(np.float32)
        )
    return found


GOLDS = tuple(f"answer{i}" for i in range(100))
ORDER = np.random.default_rng(0).permutation(100)


def test_one_that_was_trained_on_everything_is_no_oracle(make_trace) -> None:  # type: ignore[no-untyped-def]
    good, odd = model(make_trace, 0.05, 0.04), model(make_trace, 0.95, 0.94)
    assert trained_on_everything(good) is None
    assert trained_on_forget(odd["forget"], odd["holdout"]) is None  # holdout alone shows nothing
    reason = trained_on_everything(odd)
    assert reason is not None
    assert "95% of the forget, 94% of the holdout and 97% of the retain questions" in reason
    assert "--holdout" in reason


def test_one_that_knows_holdout_and_not_forget_may_be_an_oracle(make_trace) -> None:  # type: ignore[no-untyped-def]
    assert trained_on_everything(model(make_trace, 0.05, 0.95)) is None
    only_forget = model(make_trace, 0.95, 0.05)
    assert trained_on_everything(only_forget) is None
    assert trained_on_forget(only_forget["forget"], only_forget["holdout"]) is not None
