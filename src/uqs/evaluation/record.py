"""Records one model: its traces, and those of models made from it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from uqs.errors import DataError, UserError
from uqs.evaluation.tracer import Tracer, read_interventions
from uqs.metrics.base import CrossScores, Evidence, Floats
from uqs.records import Need, Split
from uqs.traces.file import read_trace
from uqs.traces.judged import judged_by

INDEX = "recorded.json"


@dataclass(frozen=True)
class Recording:
    """The folders in a store with the trace of each split, and with traces of models made from the model.

    `faults` says in words what could not be made.
    """

    places: Mapping[str, Path]
    interventions: Path | None = None
    faults: tuple[str, ...] = ()

    def evidence(
        self,
        update: Mapping[str, Floats] | None,
        cross_scores: Mapping[int, CrossScores | None] | None = None,
        *,
        judges: Mapping[str, str],
    ) -> Evidence:
        """Read everything; answers are judged by the rules `judges` of the benchmark."""
        traces = {
            split: judged_by(read_trace(place, split), judges)
            for split, place in self.places.items()
        }
        made = read_interventions(self.interventions) if self.interventions else {}
        interventions = {
            name: {split: judged_by(trace, judges) for split, trace in some.items()}
            for name, some in made.items()
        }
        return Evidence(traces, update, interventions, cross_scores or {})

    def write(self, folder: Path) -> None:
        """Write an index of the recording next to the store."""
        tree = {
            "places": {name: str(place.relative_to(folder)) for name, place in self.places.items()},
            "interventions": str(self.interventions.relative_to(folder))
            if self.interventions
            else None,
            "faults": list(self.faults),
        }
        (folder / INDEX).write_text(json.dumps(tree, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Recording:
        """Read what `write` wrote. Raises DataError if there is no such file."""
        file = folder / INDEX
        try:
            tree = json.loads(file.read_text(encoding="utf-8"))
            return cls(
                {name: folder / place for name, place in tree["places"].items()},
                folder / tree["interventions"] if tree["interventions"] else None,
                tuple(tree["faults"]),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"does not say what was recorded ({error!r})", file=file) from None


def record(tracer: Tracer, splits: Mapping[str, Split], needs: Set[str]) -> Recording:
    """Trace a model on all splits and, if `needs` asks for it, models made from it on the forget split.

    Traces in the store are not made again. If no model can be made from this one, `faults` says so.
    """
    from uqs.interventions.traced import DECLARED, intervention_traces

    places = {name: tracer.ensure(split) for name, split in splits.items()}
    if Need.INTERVENTIONS not in needs:
        return Recording(places)
    try:
        return Recording(
            places, tracer.ensure_interventions(splits["forget"], DECLARED, intervention_traces)
        )
    except Exception as error:
        return Recording(
            places, None, (f"no interventions could be made on it: {described(error)}",)
        )


def described(error: Exception) -> str:
    """An error in one line; for a programming error also its type."""
    kind = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
    return " ".join(f"{kind}{error}".split())
