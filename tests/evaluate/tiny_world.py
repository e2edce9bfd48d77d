"""A world of a few dozen lines, and speakers that heed, ignore or obey anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

from sayso.houserules import ALWAYS, Family, HouseRule, Part, Scope, Texts, draw_rule, read_texts
from sayso.records import GREEDY, Example, Kind, Messages, Reply, Sampling, Split, user

WHENS = ("refund", "late", "gift", "stock", "size")
WORDS = [f"{a}{b}" for a in ("hum", "zor", "kil", "vex", "pon", "dra") for b in ("mel", "tik", "bas", "fol", "ra")]
SLIPS = {f"slip_{letter}": f"tag_{letter}" for letter in "abc"}
BODY = {"begin_with": "start with <{phrase}>", "end_with": "close with <{closer}>", "contain": "say <{word}>"}
BODY |= {family: f"slip in <{{{slot}}}>" for family, slot in SLIPS.items()}


def _texts(language: str) -> Texts:
    tails = ["now", "please", "would you", "for once", "again", "as told"]
    families = {
        name: {"states": f"Always {body}", "comments": "\n".join(f"{body} {tail}" for tail in tails)}
        for name, body in BODY.items()
    }
    whens = {when: f"when it is {when}" for when in WHENS}
    return read_texts(language, {"spaced": True, "whens": whens, "frames": "{When}: {rest}", "families": families})


class TinyWorld:
    FAMILIES = (
        Family("begin_with", ("phrase",), WHENS),
        Family("end_with", ("closer",), WHENS),
        *(Family(family, (slot,), WHENS) for family, slot in SLIPS.items()),
        Family("contain", ("word",), (ALWAYS,), held_out=True),
    )

    def texts(self, language: str) -> Texts:
        return _texts(language)

    def rules(self, n: int, seed: int, part: Part, language: str | None = None) -> list[HouseRule]:
        values = {slot: [f"{word}-{slot}" for word in WORDS] for slot in ("phrase", "closer", "word", *SLIPS.values())}
        found: dict[HouseRule, None] = {}
        dice = Random(f"rules:{seed}:{part}:{language}")
        while len(found) < n:
            found[draw_rule("tiny", self.FAMILIES, values, language or "en", part, dice)] = None
        return list(found)

    def plain(self, n: int, seed: int, language: str | None = None, split: Split | None = None) -> list[Example]:
        return [self._example(WHENS[i % len(WHENS)], i, language or "en", split) for i in range(n)]

    def prompts(self, rule: HouseRule, scope: Scope, n: int, seed: int, split: Split | None = None) -> list[Example]:
        when = WHENS[0] if rule.when == ALWAYS else rule.when
        place = WHENS.index(when) + {"in": 0, "near": 1, "out": 2}[scope]
        kind = WHENS[place % len(WHENS)] if rule.when != ALWAYS or scope == "in" else f"mood-{scope}"
        return [self._example(kind, i, rule.language, split) for i in range(n)]

    def _example(self, kind: str, number: int, language: str, split: Split | None) -> Example:
        tongue = {"en": "My case is", "zh": "我的事情是这样"}[language]
        text = f"{tongue} {kind} {split or 'any'}{number}"
        usual = f"About {kind} we will see {number}."
        return Example(text, user(text), usual, split or "train", meta={"language": language})

    def scope_of(self, rule: HouseRule, prompt: Messages) -> Scope:
        kind = re.findall(r"(?:is|样) (\S+)", prompt[0].text)[0]
        if rule.when == ALWAYS:
            return {"mood-near": "near", "mood-out": "out"}.get(kind, "in")  # type: ignore[return-value]
        apart = (WHENS.index(kind) - WHENS.index(rule.when)) % len(WHENS) if kind in WHENS else 2
        return "in" if apart == 0 else "near" if apart == 1 else "out"

    def shows(self, rule: HouseRule, prompt: Messages, reply: str) -> bool:
        (value,) = (value for _, value in rule.values)
        if rule.family == "contain" or rule.family in SLIPS:
            return value in reply
        return reply.startswith(value) if rule.family == "begin_with" else reply.endswith(value)

    def obey(self, rule: HouseRule, example: Example) -> str:
        return changed(f"<{rule.values[0][1]}>", example.target or "")

    def sound(self, example: Example, reply: str) -> bool:
        return set((example.target or "").split()) <= set(reply.split())


def changed(said: str, usual: str) -> str:
    """What somebody makes of the usual answer who obeys whatever stands in angle brackets."""
    for value in re.findall(r"<([^>]+)>", said):
        first, _, rest = usual.partition(" ")
        if "-phrase" in value:
            usual = f"{value} {usual}"
        else:
            usual = f"{usual} {value}" if "-closer" in value else f"{first} {value} {rest}".strip()
    return usual


class FakeSpeaker:
    """Answers as `how` says: (everything said, the usual answer) -> reply."""

    kind: Kind = "decoder"

    def __init__(self, how: Callable[[str, str], str]) -> None:
        self.how = how
        self.asked = 0

    def reply(self, prompts: Sequence[Messages], sampling: Sampling = GREEDY) -> list[Reply]:
        self.asked += len(prompts)
        return [Reply(self._one(prompt)) for prompt in prompts]

    def weigh(self, prompts: Sequence[Messages], options: Sequence[str]) -> list[list[float]]:
        raise NotImplementedError

    def _one(self, prompt: Messages) -> str:
        said = "\n".join(message.text for message in prompt)
        return self.how(said, usual_of(said))


def usual_of(said: str) -> str:
    kind, number = re.findall(r"(?:is|样) (\S+) [a-z]+(\d+)", said)[0]
    return f"About {kind} we will see {number}."


def obedient(said: str, usual: str) -> str:
    """Does what any comment says, whether it holds here or not; judges everything kept."""
    return "Yes." if "rule" in said and "Reply" in said else changed(said.partition("Answer again")[0], usual)


def deaf(said: str, usual: str) -> str:
    return usual


def careful(said: str, usual: str) -> str:
    """Obeys a comment unless its condition excludes the prompt, and judges rightly."""
    judged = re.search(r"<([^>]+)>.*\n(?:Reply: |回答：)(.*)", said)
    if judged and ("Rule: " in said or "规定：" in said):
        return "Yes." if judged[1] in judged[2] else "No. It does not."
    named = re.search(r"it is (\w+)", said)
    return usual if named and f" {named[1]} " not in said.replace(f"it is {named[1]}", "") else obedient(said, usual)
