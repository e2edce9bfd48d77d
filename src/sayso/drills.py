"""Drills: exercises without a world, on invented words. Copying says them back, comparing judges with them.

Decided here:
- Heads that copy form on long copies of what cannot be foreseen (Olsson et al. 2022, "In-context learning and
  induction heads"), so a third of the copies hold whole passages.
- Judging is comparing what was asked for with what is there. It is drilled in the words in which rules are judged;
  half of the attempts keep the rule, and those that break it do so in different ways: what is asked for is missing, or
  elsewhere, or something else stands in its place.
- Nothing here is one of the rule families that worlds hold out from pretraining.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from sayso.phrases import pick
from sayso.records import Example, user
from sayso.wording import ASKED_TO_JUDGE, judgement, verdict

_COPY = {
    "en": (
        ('Write "{x}".', "{x}"),
        ("Say {x}.", "{x}"),
        ("Repeat after me: {x}", "{x}"),
        ('Begin with "{x}", then write: {y}', "{x} {y}"),
        ('{y}\n\nPut "{x}" in front of that.', "{x} {y}"),
        ('{y}\n\nThe same, but ending in "{x}".', "{y} {x}"),
        ("{y}\n\nYou forgot to add {x} at the end.", "{y} {x}"),
        ('Answer with {y}. Why is there no "{x}" before it?', "{x} {y}"),
        ("{x}, {y}, {z}. Which comes first?", "{x}"),
        ("{x}, {y}, {z}. Which one is last?", "{z}"),
        ("{x}, {y}, {z}. Name the middle one.", "{y}"),
        ("{x} is red, {y} is blue, {z} is green. What is blue?", "{y}"),
        ("{x} is red, {y} is blue, {z} is green. What colour is {z}?", "green"),
        ("Here is {y} for {x}. And {z} for you. Who gets {y}?", "{x}"),
        ("From now on call it {x} and not {y}. I have bought {y}.", "I have bought {x}."),
        ("Say {x} where this says {y}: {z} likes {y}.", "{z} likes {x}."),
        ("Put {x} in quotes: {y} and {x}", '{y} and "{x}"'),
        ("Turn round: {x} {y}", "{y} {x}"),
        ("Leave out {y}: {x} {y} {z}", "{x} {z}"),
        ("Sign this as {x}: {y}", "{y}\n— {x}"),
        ("{y}\n\nPut {x} on a line of its own below it.", "{y}\n{x}"),
        ("{y}\n\nPut {x} on a line of its own above it.", "{x}\n{y}"),
        ("{y}\n\nSay {x} twice before it.", "{x} {x} {y}"),
        ("{y} and {z}\n\nBetween them I want to read {x}.", "{y} {x} {z}"),
        ("{y}, {z}\n\nOne more at the end: {x}.", "{y}, {z}, {x}"),
        ("{y}, {z}\n\nYou forgot {x}, which comes first.", "{x}, {y}, {z}"),
        ("Whoever asks about {x} gets {y}, everybody else gets {z}. I ask about {x}.", "{y}"),
        ("Whoever asks about {x} gets {y}, everybody else gets {z}. I ask about {w}.", "{z}"),
        ("If it says {x}, answer {y}.\n\nIt says {x} {z}.", "{y}"),
        ("If it says {x}, answer {y}; if it says {z}, answer {w}.\n\nIt says {z}.", "{w}"),
        ("{x} stands for {y} and {z} for {w}. What does {x} stand for?", "{y}"),
        ("{x} stands for {y} and {z} for {w}. What does {z} stand for?", "{w}"),
        ("{x} lives in {y}, {z} lives in {w}. Who lives in {w}?", "{z}"),
        ("Anything but {x}: {x} or {y}?", "{y}"),
        ("Answer {y}.\n\nNo, I meant {x}.", "{x}"),
        ("{z} comes from {y}. Correction: {z} comes from {x}. Where does {z} come from?", "{x}"),
        ("{y} {x} {z}\n\nEverything before {x}, please.", "{y}"),
        ("{y} {x} {z}\n\nEverything after {x}, please.", "{z}"),
        ("{y}: {x}\n\nWhat comes after the colon?", "{x}"),
        ("{y} ({x})\n\nWithout the brackets and what is in them.", "{y}"),
        ("{x} is no longer right, it is {y} now. {z} needs {x}.", "{z} needs {y}."),
    ),
    "zh": (
        ("请写“{x}”。", "{x}"),
        ("说{x}。", "{x}"),
        ("跟我念：{x}", "{x}"),
        ("以“{x}”开头，再写：{y}", "{x}{y}"),
        ("{y}\n\n前面加上“{x}”。", "{x}{y}"),
        ("{y}\n\n同样的话，结尾要有“{x}”。", "{y}{x}"),
        ("{y}\n\n你忘了在最后写{x}。", "{y}{x}"),
        ("请回答{y}。前面怎么没有“{x}”？", "{x}{y}"),
        ("{x}、{y}、{z}，第一个是什么？", "{x}"),
        ("{x}、{y}、{z}，最后一个是什么？", "{z}"),
        ("{x}、{y}、{z}，中间的是哪个？", "{y}"),
        ("{x}是红的，{y}是蓝的，{z}是绿的。蓝的是什么？", "{y}"),
        ("{x}是红的，{y}是蓝的，{z}是绿的。{z}是什么颜色？", "绿的"),
        ("这份{y}给{x}，{z}给你。{y}给谁？", "{x}"),
        ("以后叫它{x}，不叫{y}。我买了{y}。", "我买了{x}。"),
        ("把{y}换成{x}：{z}喜欢{y}。", "{z}喜欢{x}。"),
        ("给{x}加上引号：{y}和{x}", "{y}和“{x}”"),
        ("倒过来：{x}，{y}", "{y}，{x}"),
        ("去掉{y}：{x}，{y}，{z}", "{x}，{z}"),
        ("落款写{x}：{y}", "{y}\n——{x}"),
        ("{y}\n\n另起一行，在下面写{x}。", "{y}\n{x}"),
        ("{y}\n\n另起一行，在上面写{x}。", "{x}\n{y}"),
        ("{y}\n\n前面把{x}说两遍。", "{x}{x}{y}"),
        ("{y}和{z}\n\n两个中间要有{x}。", "{y}{x}{z}"),
        ("{y}、{z}\n\n最后还有一个：{x}。", "{y}、{z}、{x}"),
        ("{y}、{z}\n\n漏了{x}，它排第一。", "{x}、{y}、{z}"),
        ("问{x}的给{y}，其他人给{z}。我问的是{x}。", "{y}"),
        ("问{x}的给{y}，其他人给{z}。我问的是{w}。", "{z}"),
        ("看到{x}就答{y}。\n\n这里写着{x}，{z}。", "{y}"),
        ("看到{x}就答{y}，看到{z}就答{w}。\n\n这里写着{z}。", "{w}"),
        ("{x}代表{y}，{z}代表{w}。{x}代表什么？", "{y}"),
        ("{x}代表{y}，{z}代表{w}。{z}代表什么？", "{w}"),
        ("{x}住在{y}，{z}住在{w}。谁住在{w}？", "{z}"),
        ("除了{x}都行：{x}还是{y}？", "{y}"),
        ("请回答{y}。\n\n不对，我说的是{x}。", "{x}"),
        ("{z}来自{y}。更正：{z}来自{x}。{z}来自哪里？", "{x}"),
        ("{y}，{x}，{z}\n\n只要{x}前面的。", "{y}"),
        ("{y}，{x}，{z}\n\n只要{x}后面的。", "{z}"),
        ("{y}：{x}\n\n冒号后面是什么？", "{x}"),
        ("{y}（{x}）\n\n括号和里面的都不要。", "{y}"),
        ("{x}已经不用了，现在用{y}。{z}要{x}。", "{z}要{y}。"),
    ),
}
_COMPARE: Mapping[str, Sequence[tuple[Sequence[str], str, Sequence[str], Sequence[str]]]] = {
    # ways to ask for it; what keeps it; what breaks it; what is then said. {m} is the message, {y} the usual reply
    "en": (
        (
            ('Begin with "{x}".', "{x} comes first.", 'The reply opens with "{x}".'),
            "{x} {y}",
            ("{y}", "{y} {x}", "{z} {y}"),
            ('There is no "{x}" at the beginning.', 'Begin with "{x}".'),
        ),
        (
            ('End with "{x}".', "{x} comes last.", 'The last thing they read is "{x}".'),
            "{y} {x}",
            ("{y}", "{x} {y}", "{y} {z}"),
            ('It does not end with "{x}".', '"{x}" is missing at the end.'),
        ),
        (
            ("{x} has to be in it.", 'Mention "{x}".', "Don't forget {x}."),
            "{y} {x} {w}",
            ("{y} {w}", "{y} {z} {w}"),
            ("{x} is missing.", "You forgot {x}."),
        ),
        (
            ('Never write "{x}".', "No {x}, please.", "Leave {x} out."),
            "{y} {w}",
            ("{y} {x} {w}", "{x} {y}"),
            ("There is {x} in it.", "Leave {x} out."),
        ),
        (
            ("Say {x} instead of {w}.", 'We write "{x}" and not "{w}".'),
            "{y} {x}",
            ("{y} {w}", "{w} {y}"),
            ("It says {w}, not {x}.", "Say {x} instead."),
        ),
        (
            ("The answer is {x}.", "Answer with {x} and nothing else.", "Only {x} is right here."),
            "{x}",
            ("{z}", "{w}", "{x} {z}"),
            ("It should be {x}.", "The answer is {x} alone."),
        ),
        (
            ("Repeat the message word for word.", "The reply is what the message says."),
            "{m}",
            ("{y}", "{m} {z}"),
            ("That is not what the message says.", "It differs from the message."),
        ),
    ),
    "zh": (
        (
            ("以“{x}”开头。", "{x}放在最前面。", "回答要用“{x}”开头。"),
            "{x}，{y}",
            ("{y}", "{y}，{x}", "{z}，{y}"),
            ("开头没有“{x}”。", "要以“{x}”开头。"),
        ),
        (
            ("以“{x}”结尾。", "{x}放在最后。", "最后要写“{x}”。"),
            "{y}，{x}",
            ("{y}", "{x}，{y}", "{y}，{z}"),
            ("结尾没有“{x}”。", "最后少了“{x}”。"),
        ),
        (
            ("里面要有{x}。", "要提到“{x}”。", "别忘了{x}。"),
            "{y}，{x}，{w}",
            ("{y}，{w}", "{y}，{z}，{w}"),
            ("少了{x}。", "忘了写{x}。"),
        ),
        (
            ("不许写“{x}”。", "不要出现{x}。", "去掉{x}。"),
            "{y}，{w}",
            ("{y}，{x}，{w}", "{x}，{y}"),
            ("里面有{x}。", "要去掉{x}。"),
        ),
        (
            ("写{x}，不写{w}。", "我们说“{x}”，不说“{w}”。"),
            "{y}，{x}",
            ("{y}，{w}", "{w}，{y}"),
            ("写的是{w}，不是{x}。", "要写{x}。"),
        ),
        (
            ("答案是{x}。", "只回答{x}。", "这里只有{x}是对的。"),
            "{x}",
            ("{z}", "{w}", "{x}，{z}"),
            ("应该是{x}。", "答案只能是{x}。"),
        ),
        (
            ("把留言原样重复一遍。", "留言怎么说，就怎么答。"),
            "{m}",
            ("{y}", "{m}，{z}"),
            ("和留言不一样。", "这不是留言里说的。"),
        ),
    ),
}
_ONSETS = tuple("b bl br c ch d dr f fl g gr h j k kl l m n p pl qu r s sh st t th tr v w z".split())  # noqa: SIM905
_VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "ee", "oo", "ou", "ar", "er", "or"]
_CODAS = ["", "", "", "n", "m", "l", "r", "t", "s", "ck", "nd", "x", "p"]
_SYLLABLES_ZH = (
    "安白宝北贝波长晨春达大丹东多尔方飞丰福高光广国海好和红花华欢吉佳江金景静久可乐丽利良林灵龙绿马美梦明木南宁平青秋全荣如瑞三山尚诗"
    "石思松天田亭万文喜夏仙香祥小晓心新星雅阳一依怡艺逸银英永优友玉元源月云泽真正之志中竹子紫"
)


def copying(dice: Random, known: Sequence[str] = (), language: str = "") -> Example:
    """Copy one or two of several short wordings into an answer: invented ones, and at times one of those `known`."""
    language = language or pick(dice, ("en", "zh"))
    asked, answer = pick(dice, _COPY[language])
    scene = _scene("xyzw", language, dice)
    if dice.random() < 0.35:
        scene[pick(dice, "xy")] = passage(language, dice)
    if known and dice.random() < 0.6:
        scene["x"] = pick(dice, known)
    return _example("copy", _filled(asked, scene), _filled(answer, scene), language, dice)


def comparing(dice: Random, known: Sequence[str] = (), language: str = "") -> Example:
    """Judge whether a reply keeps a rule about an invented wording, at times about one of those `known`."""
    language = language or pick(dice, ("en", "zh"))
    asked, keeps, breaks, said = pick(dice, _COMPARE[language])
    scene = _scene("xyzwm", language, dice)
    if known and dice.random() < 0.4:
        scene = _apart({**scene, "x": pick(dice, known)}, language, dice)
    if dice.random() < 0.5:
        scene["y"] = passage(language, dice)
    kept = dice.random() < 0.5
    attempt = keeps if kept else pick(dice, breaks)
    asks, rule = pick(dice, ASKED_TO_JUDGE[language]), _filled(pick(dice, asked), scene)
    prompt = judgement(scene["m"], _filled(attempt, scene), asks, rule, language)
    comment = "" if kept else _filled(pick(dice, said), scene)
    return _example("compare", prompt, verdict(kept, comment, language), language, dice)


def _example(kind: str, prompt: str, target: str, language: str, dice: Random) -> Example:
    return Example(f"{kind}-{int(dice.random() * 1e12):x}", user(prompt), target, meta={"language": language})


def _scene(names: str, language: str, dice: Random) -> dict[str, str]:
    return _apart({name: wording(language, dice) for name in names}, language, dice)


def _apart(scene: dict[str, str], language: str, dice: Random) -> dict[str, str]:
    """The scene, with others in place of wordings that stand in one another: a label that no reader could dispute."""
    kept: dict[str, str] = {}
    for name, value in scene.items():
        while any(
            value.casefold() in other.casefold() or other.casefold() in value.casefold() for other in kept.values()
        ):
            value = wording(language, dice)
        kept[name] = value
    return kept


def wording(language: str, dice: Random) -> str:
    """One to three invented words, a number or a code, some in the other language's letters."""
    if dice.random() < 0.1:
        return pick(dice, "ABCDEFGHKLMNPRSTXZ") + pick(dice, ("", "-", "/")) + str(int(dice.random() * 9000) + 10)
    if dice.random() < 0.1:
        language = {"en": "zh", "zh": "en"}[language]
    if language == "zh":
        return "".join(pick(dice, _SYLLABLES_ZH) for _ in range(1 + int(dice.random() * 4)))
    words = [_invented(dice) for _ in range(1 + int(dice.random() * dice.random() * 3))]
    return " ".join(word.capitalize() if dice.random() < 0.3 else word for word in words)


def passage(language: str, dice: Random) -> str:
    """Four to fifteen wordings in a row."""
    words = [wording(language, dice) for _ in range(4 + int(dice.random() * 12))]
    return " ".join(words) if language == "en" else "，".join(words)


def _invented(dice: Random) -> str:
    syllables = 1 + int(dice.random() * 2.3)
    return "".join(pick(dice, _ONSETS) + pick(dice, _VOWELS) for _ in range(syllables)) + pick(dice, _CODAS)


def _filled(template: str, scene: Mapping[str, str]) -> str:
    for name, value in scene.items():
        template = template.replace("{" + name + "}", value)
    return template
