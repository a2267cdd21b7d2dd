"""UQS: metrics into one score, with weights checked on held-out benchmarks, rank sets and stability."""

from uqs.score.result import MethodScore, ScoreResult
from uqs.score.scoring import score

__all__ = ["MethodScore", "ScoreResult", "score"]
