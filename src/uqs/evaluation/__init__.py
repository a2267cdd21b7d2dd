"""Measuring models of any kind: from checkpoints to rows of the results table."""
