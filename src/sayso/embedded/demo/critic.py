"""The demo's critic: a program that says, in the customer's language, when a refund is promised too early.

This is how a check of your own looks: a function of the customer's words and the answer, which returns what is wrong
with it, or None.
"""

from __future__ import annotations

from sayso.houserules import HouseRule
from sayso.records import user
from sayso.wording import language_of
from sayso.worlds.shop_desk import check

RULES = {
    "en": HouseRule("shop_desk", "ask_for", "en", "refund", (("item", "order number"),)),
    "zh": HouseRule("shop_desk", "ask_for", "zh", "refund", (("item", "订单号"),)),
}
WORDS = {"en": "Ask for the order number before you promise a refund.", "zh": "退款前要先问订单号。"}


def order_number_first(prompt: str, answer: str) -> str | None:
    """What is wrong where a refund is asked for without an order number and the answer does not ask for it first."""
    language = language_of(prompt)
    return None if check(RULES[language], user(prompt), answer) else WORDS[language]
