"""Metrics, paired comparison, baselines."""
