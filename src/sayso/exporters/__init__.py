"""One file = a way out: a bundle for an engine, proven to be the model that was trained."""
