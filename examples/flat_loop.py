"""Fine-tuning in one flat loop, to be read: what `sayso.learn` does, without its safety nets.

A tiny Llama with random weights reads bytes, so any language will do, and learns four answers by heart in seconds.
Shapes: B rows, T tokens, V vocabulary.
"""

import random

import torch
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM

LESSONS = [  # context, answer, weight: the last is something a reviewer would like to hear half as often
    ("Where is my order?", "Dear customer, it left today.", 1.0),
    ("我的订单在哪里？", "尊敬的客户，今天已经发出。", 1.0),
    ("Can I return it?", "Dear customer, within 30 days.", 1.0),
    ("可以退货吗？", "您好，三十天内可以。", 0.5),
]
STEPS, WARMUP, ROWS, ROWS_AT_ONCE, RATE, CLIP = 80, 8, 4, 2, 5e-3, 1.0
USER, BOT, END, PAD = 256, 257, 258, 259


def render(turns: list[str], answer_next: bool = False) -> list[int]:
    """A conversation as ids. Every answer ends with END, or the model would never learn to stop."""
    ids: list[int] = []
    for number, text in enumerate(turns):
        ids += [BOT, *text.encode(), END] if number % 2 else [USER, *text.encode()]
    return [*ids, BOT] if answer_next else ids


def row(context: str, answer: str, weight: float) -> tuple[list[int], list[float]]:
    """ids_T, and how much each is to be learnt: what is there only once the answer is. No marker is searched for."""
    without, whole = render([context], answer_next=True), render([context, answer])
    assert whole[: len(without)] == without
    return whole, [0.0] * len(without) + [weight] * (len(whole) - len(without))


def collate(rows: list[tuple[list[int], list[float]]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """ids_BT, weights_BT and the attention mask. Padding is known by position, whatever its id."""
    width = max(len(ids) for ids, _ in rows)
    ids_BT = torch.tensor([ids + [PAD] * (width - len(ids)) for ids, _ in rows])
    weights_BT = torch.tensor([weights + [0.0] * (width - len(weights)) for _, weights in rows])
    return ids_BT, weights_BT, torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in rows])


def loss_sum(rows: list[tuple[list[int], list[float]]]) -> torch.Tensor:
    """Sum over tokens of weight * -log p, in nats; the logits at place t predict the token at t + 1."""
    ids_BT, weights_BT, mask_BT = collate(rows)
    logits_BTV = model(input_ids=ids_BT, attention_mask=mask_BT).logits
    nll_BT = cross_entropy(logits_BTV[:, :-1].transpose(1, 2).float(), ids_BT[:, 1:], reduction="none")
    return (nll_BT * weights_BT[:, 1:]).sum()


def reply(context: str) -> str:
    """The likeliest answer, token by token, until END."""
    ids = render([context], answer_next=True)
    start = len(ids)
    while len(ids) < start + 60:
        ids.append(int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
        if ids[-1] == END:
            break
    return bytes(i for i in ids[start:] if i < 256).decode(errors="replace")


torch.manual_seed(0)
dice = random.Random(0)
config = LlamaConfig(vocab_size=260, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4)
model = LlamaForCausalLM(config)
optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
data = [row(*lesson) for lesson in LESSONS]
scored = [row(context, answer, 1.0) for context, answer, _ in LESSONS]

model.eval()
with torch.no_grad():  # the base is always scored first, on the same items
    before = [-loss_sum([one]).item() for one in scored]

model.train()
for step in range(STEPS):
    rate = RATE * min((step + 1) / WARMUP, 1 - step / STEPS)  # climbs in a straight line, then falls in one
    optimizer.param_groups[0]["lr"] = rate
    batch = dice.sample(data, ROWS)
    total = sum(abs(weight) for _, weights in batch for weight in weights)  # of the whole step, before it is cut up
    loss = 0.0
    for begin in range(0, ROWS, ROWS_AT_ONCE):
        part = loss_sum(batch[begin : begin + ROWS_AT_ONCE]) / total  # so how it is cut up changes nothing
        part.backward()
        loss += part.item()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP, error_if_nonfinite=True)
    optimizer.step()
    optimizer.zero_grad()
    if step % 10 == 0 or step == STEPS - 1:
        print(f"step {step:3}  {loss:6.3f} nats per token  rate {rate:.4f}  gradient {norm:7.3f}")

model.eval()
with torch.no_grad():
    after = [-loss_sum([one]).item() for one in scored]
    answers = [reply(context) for context, _, _ in LESSONS]
for (context, _, _), was, now, answer in zip(LESSONS, before, after, answers, strict=True):
    print(f"{context}\n  log p of the answer {was:8.1f} -> {now:6.1f}   says: {answer}")
