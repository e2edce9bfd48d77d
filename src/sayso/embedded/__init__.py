"""The model and demo data that the package carries; no code."""
