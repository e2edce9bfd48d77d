"""Fine-tune a BERT on two Chinese sentences: python examples/ten_lines.py [MODEL]."""

import sys

import sayso

name = sys.argv[1] if len(sys.argv) > 1 else "google-bert/bert-base-chinese"
model = sayso.open_model(name, labels=["负面", "正面"])
texts, labels = ["这部电影太好看了", "服务态度很差"], ["正面", "负面"]
lessons = [sayso.Imitate(sayso.user(text), label) for text, label in zip(texts, labels, strict=True)]
for step in sayso.train(model, lessons, steps=5, learning_rate=5e-5):
    print(f"step {step.step}: loss {step.loss:.4f}")
for text, odds in zip(texts, model.weigh([sayso.user(text) for text in texts], ["负面", "正面"]), strict=True):
    print(text, [round(value, 3) for value in odds])
