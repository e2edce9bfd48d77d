"""The demo's critic: a program that says, in the customer's language, when a refund is promised too early.

This is how a check of your own looks: a function of the customer's words and the answer, which returns what is wrong
with it, or None.
"""

from __future__ import annotations

from sayso.records import user
from sayso.surface import is_chinese
from sayso.worlds.shop_desk import check


def order_number_first(prompt: str, answer: str) -> str | None:
    """What is wrong where a refund is asked for without an order number and the answer does not ask for it first."""
    if check("order_number_first", user(prompt), answer):
        return None
    return "退款前要先问订单号。" if is_chinese(prompt) else "Ask for the order number before you promise a refund."
