"""One file = who comments."""
