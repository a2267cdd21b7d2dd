"""Figures of a results table for a paper. Only what draws imports matplotlib, which is an extra."""
