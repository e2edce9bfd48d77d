"""Losses, batches, loop, checkpoints: the only loop."""
