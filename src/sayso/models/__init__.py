"""Open, render, adapt, speak: the only owner of transformers and peft."""
