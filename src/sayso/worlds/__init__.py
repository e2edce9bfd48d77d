"""Small worlds with house rules: demos, tests, and what a model can be taught with."""
