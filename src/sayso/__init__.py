"""Sayso: fine-tune language models on what people say about their answers."""
