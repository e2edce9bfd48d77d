"""The demo's critic: a program that says, in the customer's language, which of the shop's six rules an answer breaks.

This is how a check of your own looks: a function of the customer's words and the answer, which returns what is wrong
with it, or nothing. Where a rule holds is heard from the message; what has to be seen is a check of `sayso.checks`.
"""

from __future__ import annotations

from sayso.checks import said_of
from sayso.houserules import HouseRule
from sayso.records import user
from sayso.wording import language_of
from sayso.worlds.shop_desk import scope_of

RULES = {  # by what the customer is about: what has to be in the answer
    "refund": "contains(order number | 订单号)",
    "late": "contains(sorry | apologies | apologise | 抱歉 | 对不起 | 不好意思)",
    "thanks": "ends(🍁)",
    "gift": "contains(ribbon | 丝带)",
    "size": "contains(returns are free | 免费退换)",
    "address": "contains(postcode | 邮编)",
}


def house_rules(prompt: str, answer: str) -> list[str]:
    """What is wrong by each rule that holds for this message and is broken by the answer."""
    return [
        words
        for about, check in RULES.items()
        if scope_of(rule(about, language_of(prompt)), user(prompt)) == "in"
        and (words := said_of(check, user(prompt), answer))
    ]


def rule(about: str, language: str) -> HouseRule:
    """The rule as the world of the shop desk knows it: nobody is asked for an order number that he gave."""
    if about == "refund":
        item = {"en": "order number", "zh": "订单号"}[language]
        return HouseRule("shop_desk", "ask_for", language, about, (("item", item),))
    return HouseRule("shop_desk", "apologise_first", language, about)
