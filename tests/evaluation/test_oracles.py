from __future__ import annotations

import dataclasses

import numpy as np

from uqs.evaluation.oracles import trained_on_forget


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
