"""Rows become examples: columns, checks, repair; no torch."""
