"""UQS: metrics into one score, with weights checked on held-out benchmarks, rank sets and stability."""

from uqs.score.scoring import MethodScore, ScoreResult, score

__all__ = ["MethodScore", "ScoreResult", "score"]
