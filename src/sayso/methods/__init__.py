"""One file = how feedback becomes lessons."""
