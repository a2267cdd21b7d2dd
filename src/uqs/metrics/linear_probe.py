"""Is the forgotten attribute still written in the hidden states?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uqs.answers import plain
from uqs.metrics.base import Evidence, Floats, Metric, MetricResult, References, same_samples
from uqs.metrics.recoverability import ABOVE
from uqs.records import MetricCard, Need, Status
from uqs.traces.trace import Trace

LAYER = -2
CONTROLS = 3
SEED = 0


class LinearProbe(Metric):
    """How much better than its control a linear probe picks the right answer of a forget question.

    A multinomial logistic regression reads the answer from the state at the last prompt token. It is trained
    on the retain split, which shares no entity with forget. So it learns how the model encodes an attribute,
    not whose attribute it is. On each forget question it chooses between the right answer and the plausible
    wrong ones, if they were answers in training. It skips questions whose right answer was not, and
    multiple-choice questions, because their letters are not attributes. The control is the same probe
    trained on randomly permuted answers, averaged over CONTROLS permutations. Selectivity is the accuracy
    minus that of the control. The standard error is over forgotten entities; the training set counts as
    fixed.

    The value is that of layer LAYER; rows `forget/accuracy`, `forget/control`, `forget/layer-1` and so on;
    `forget/above_oracle` is the finding: the selectivity minus the oracle's, item by item.
    Source: selectivity by Hewitt and Liang 2019 (arXiv 1909.03368).
    """

    card = MetricCard(
        name="linear_probe",
        symbol="LINPROBE",
        group="recoverability",
        of_text=True,
        better="target",
        bounds=(-1, 1),
        split="forget",
        needs=frozenset({Need.CANDIDATES}),
        source="selectivity: Hewitt, Liang 2019 (arXiv 1909.03368)",
        does_not_show=(
            "that nothing is encoded: a code that is not linear, or lies in another layer, is "
            "not read"
        ),
    )

    def measure(self, model: Evidence, references: References) -> Iterator[MetricResult]:
        if not {"forget", "retain"} <= set(model.traces):
            yield self.missing(Status.MISSING_TRACE)
            return
        forget, retain = model.traces["forget"], model.traces["retain"]
        task = Task.of(forget, retain)
        if LAYER not in _layers(forget, retain):
            yield self.missing(Status.MISSING_TRACE)
        elif task is None:
            yield self.missing(Status.TOO_FEW)
        elif (own := task.read(forget, retain, LAYER)) is None:
            yield self.missing(Status.COLLAPSED)
        else:
            yield self.mean("forget", forget, own.selectivity, kept=task.asked)
            yield self.mean("forget/accuracy", forget, own.right, kept=task.asked)
            yield self.mean("forget/control", forget, own.control, kept=task.asked)
            yield from self._further(task, forget, retain)
            yield from self._above(task, own, (forget, retain), references)

    def _further(self, task: Task, forget: Trace, retain: Trace) -> Iterator[MetricResult]:
        for layer in sorted(_layers(forget, retain) - {LAYER}, reverse=True):
            place, found = f"forget/layer{layer}", task.read(forget, retain, layer)
            if found is None:
                yield self.missing(Status.COLLAPSED, place)
            else:
                yield self.mean(place, forget, found.selectivity, kept=task.asked)

    def _above(
        self, task: Task, own: Reading, traces: tuple[Trace, Trace], references: References
    ) -> Iterator[MetricResult]:
        place, forget = f"forget/{ABOVE}", traces[0]
        if not references.oracles:
            yield self.missing(Status.MISSING_ORACLE, place)
        for seed, oracle in sorted(references.oracles.items()):
            if not {"forget", "retain"} <= set(oracle.traces):
                yield self.missing(Status.MISSING_TRACE, place, seed)
                continue
            others = oracle.traces["forget"], oracle.traces["retain"]
            for trace, other in zip(traces, others, strict=True):
                same_samples(trace, other)
            if LAYER not in _layers(*others):
                yield self.missing(Status.MISSING_TRACE, place, seed)
            elif (theirs := task.read(*others, LAYER)) is None:
                yield self.missing(Status.COLLAPSED, place, seed)
            else:
                difference = own.selectivity - theirs.selectivity
                yield self.mean(place, forget, difference, oracle_seed=seed, kept=task.asked)


@dataclass(frozen=True)
class Reading:
    """1 where the probe chose the right answer, (n,), and the same averaged over the controls."""

    right: Floats
    control: Floats

    @property
    def selectivity(self) -> Floats:
        return self.right - self.control


@dataclass(frozen=True)
class Task:
    """What the probe reads. `trained`: retain samples; `labels`: the answer number of each. `options`: for
    each forget sample the answer numbers to choose from, the right one first; empty if it is skipped."""

    trained: NDArray[np.intp]
    labels: NDArray[np.intp]
    options: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, forget: Trace, retain: Trace) -> Task | None:
        """None if no forget question has two answers that also occur in the retain split."""
        answers = _answers(retain)
        known = set(answers.values())
        offered = [
            _offered(forget, i, known) if forget.tasks[i] != "classification" else ()
            for i in range(len(forget))
        ]
        number = {
            answer: place
            for place, answer in enumerate(sorted({a for some in offered for a in some}))
        }
        if not number:
            return None
        trained = [i for i, answer in answers.items() if answer in number]
        return cls(
            np.array(trained),
            np.array([number[answers[i]] for i in trained]),
            tuple(tuple(number[answer] for answer in some) for some in offered),
        )

    @property
    def asked(self) -> NDArray[np.bool_]:
        """Which forget samples the probe reads, (n,)."""
        return np.array([len(some) > 0 for some in self.options])

    def read(self, forget: Trace, retain: Trace, layer: int) -> Reading | None:
        """Train probe and controls on one layer and let them choose; None if a state is not finite."""
        from threadpoolctl import threadpool_limits

        for trace in (forget, retain):
            if not np.isfinite(trace.prompt_activations[layer]).all():
                return None
        with threadpool_limits(1):  # the matrices are small: more threads make it slower
            return self._read(forget, retain, layer)

    def _read(self, forget: Trace, retain: Trace, layer: int) -> Reading:
        states = retain.prompt_activations[layer][self.trained].astype(np.float64)
        mean, scale = states.mean(0), states.std(0)
        scale[scale == 0] = 1
        states = (states - mean) / scale
        shown = (forget.prompt_activations[layer].astype(np.float64) - mean) / scale
        # anything outside the span of the training states does not affect the fit
        _, _, span = np.linalg.svd(states, full_matrices=False)
        states, shown = states @ span.T, shown @ span.T
        rng = np.random.default_rng(SEED)
        controls = [
            self._chosen(states, rng.permutation(self.labels), shown) for _ in range(CONTROLS)
        ]
        return Reading(
            self._chosen(states, self.labels, shown),
            np.asarray(np.mean(controls, axis=0), dtype=np.float64),
        )

    def _chosen(self, states: Floats, labels: NDArray[np.intp], shown: Floats) -> Floats:
        """1 where a probe trained on these labels finds the right answer likeliest, (n,)."""
        scores = _scores(states, labels, shown)
        return np.array(
            [
                float(bool(some) and all(row[some[0]] > row[other] for other in some[1:]))
                for row, some in zip(scores, self.options, strict=True)
            ]
        )


def _layers(forget: Trace, retain: Trace) -> set[int]:
    """The layers whose states were kept for both splits."""
    return set(forget.prompt_activations) & set(retain.prompt_activations)


def _answers(trace: Trace) -> Mapping[int, str]:
    """The plain form of the right answer, for each sample that is not multiple choice."""
    return {
        i: plain(gold)
        for i, (task, gold) in enumerate(zip(trace.tasks, trace.golds, strict=True))
        if task != "classification"
    }


def _offered(trace: Trace, sample: int, known: set[str]) -> tuple[str, ...]:
    """The right answer and the known wrong ones; empty if that leaves nothing to choose."""
    gold = plain(trace.golds[sample])
    wrong = dict.fromkeys(map(plain, trace.candidates[sample]))
    others = [answer for answer in wrong if answer in known and answer != gold]
    return (gold, *others) if gold in known and others else ()


def _scores(states: Floats, labels: NDArray[np.intp], shown: Floats) -> Floats:
    """Log-probability of each label, (rows shown, labels), with scikit-learn's default penalty (L2, weight 1
    on standardised states), which is weak enough to let the probe fit the data."""
    from sklearn.linear_model import LogisticRegression

    probe = LogisticRegression(solver="newton-cg", tol=1e-3).fit(states, labels)
    return np.asarray(probe.predict_log_proba(shown), dtype=np.float64)
