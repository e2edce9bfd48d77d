"""The translation desk: pairs that can be read back, rules told by hand in both directions, scopes as meant."""

from __future__ import annotations

from collections import Counter
from itertools import islice, product
from random import Random
from typing import get_args

import pytest

from sayso.errors import UserError
from sayso.houserules import ALWAYS, HouseRule, Part, Scope
from sayso.phrases import slots
from sayso.records import Example, Split, user
from sayso.surface import is_chinese
from sayso.worlds import translation_desk as desk

BOTH = ("en", "zh")


def house(family: str, when: str = ALWAYS, language: str = "en", **values: str) -> HouseRule:
    return HouseRule("translation_desk", family, language, when, tuple(values.items()))


def request(sentence: str, language: str = "en") -> Example:
    asked, wanted = desk._heard(user(sentence)), is_chinese(sentence)
    assert asked is not None, sentence
    words = {
        "en": f"Translate into {'English' if wanted else 'Chinese'}: ",
        "zh": f"翻译成{'英文' if wanted else '中文'}：",
    }
    return Example("x", user(words[language] + sentence), asked.reference)


# ---------------------------------------------------------------- the bank


def test_the_bank_is_as_large_as_it_should_be() -> None:
    raw, bank = desk._raw(""), desk._bank()
    assert len(bank.templates) >= 150
    assert sum(len(bank.words[kind]) for kind in raw["lexicon"]) >= 400
    assert {template.domain for template in bank.templates} == {
        *("shop", "travel", "office", "home", "school", "health", "weather")
    }
    assert len(bank.templates) == len({t.zh for t in bank.templates}) == len({t.en for t in bank.templates})


def test_every_template_is_read_back_from_both_sides() -> None:
    bank = desk._bank()
    for template in bank.templates:
        dice = Random(template.en)
        for sentence in (bank.draw(template, dice) for _ in range(8)):
            assert bank.read(sentence.write("en"), "en") == sentence, sentence.write("en")
            assert bank.read(sentence.write("zh"), "zh") == sentence, sentence.write("zh")


def test_sentences_are_short() -> None:
    for template in desk._bank().templates:
        english = desk._bank().draw(template, Random("long")).write("en")
        assert 3 <= len(english.split()) <= 19, english


def test_no_kind_has_a_word_twice_and_no_two_things_share_one() -> None:
    bank = desk._bank()
    for kind, words in bank.words.items():
        for side in ([w.zh for w in words if not w.figures], [w.en for w in words if not w.figures]):
            assert [text for text, n in Counter(side).items() if n > 1] == [], kind
    things = [word for kind in (*desk._THINGS, *desk._NAMES) for word in bank.words[kind]]
    assert [text for text, n in Counter(w.en for w in things).items() if n > 1] == []
    assert [text for text, n in Counter(w.zh for w in things).items() if n > 1] == []


def test_every_pair_of_twins_is_used() -> None:
    words = {word.en for kind in desk._bank().words.values() for word in kind}
    pairs = [line.split(" = ") for line in desk.lines(desk._raw("")["twins"])]
    assert [pair for pair in pairs if not words & {text.strip() for text in pair}] == []


def test_tens_of_thousands_of_pairs() -> None:
    dice, bank = Random("pairs"), desk._bank()
    drawn = {bank.draw(desk.pick(dice, bank.templates), dice).write("en") for _ in range(50_000)}
    assert len(drawn) > 20_000


# ---------------------------------------------------------------- requests


def test_plain_requests_are_read_as_they_were_made() -> None:
    tasks: Counter[str] = Counter()
    for example in desk.plain(600, 4):
        asked = desk._heard(example.prompt)
        assert asked is not None
        assert (asked.task, asked.to, asked.source) == tuple(example.meta[key] for key in ("task", "to", "source"))
        assert is_chinese(example.target or "") == (asked.to == "zh") or asked.task != "translate"
        tasks[asked.task] += 1
    assert 0.85 < tasks["translate"] / 600 < 0.95
    assert len(tasks) == 4


def test_both_directions_are_asked_for_in_both_languages() -> None:
    seen = Counter((e.meta["language"], e.meta["to"]) for e in desk.plain(400, 5))
    assert all(seen[pair] > 60 for pair in product(BOTH, BOTH))


def test_a_pair_is_in_one_split_in_either_direction() -> None:
    splits: dict[frozenset[str], set[Split]] = {}
    for example in desk.plain(4000, 6):
        if example.meta["task"] == "translate":
            pair = frozenset((example.meta["source"], example.target or ""))
            splits.setdefault(pair, set()).add(example.split)
    assert all(len(found) == 1 for found in splits.values())


@pytest.mark.parametrize(
    ("text", "task", "source"),
    [
        ("How do you say “这把雨伞多少钱？” in English?", "translate", "这把雨伞多少钱？"),
        ("The printer is broken.\nChinese, please", "translate", "The printer is broken."),
        ("Please: The train to London leaves at 3:30.", "translate", "The train to London leaves at 3:30."),
        ("请翻译：我要三杯咖啡，谢谢。", "translate", "我要三杯咖啡，谢谢。"),
        ("不要翻译，照抄一遍：打印机坏了。", "copy", "打印机坏了。"),
        ("Which language is this: 打印机坏了。", "language", "打印机坏了。"),
        ("“打印机坏了。”是陈述句还是问句？", "kind", "打印机坏了。"),
    ],
)
def test_a_request_that_a_person_writes_is_read(text: str, task: str, source: str) -> None:
    asked = desk._heard(user(text))
    assert asked is not None
    assert (asked.task, asked.source) == (task, source)


def test_what_cannot_be_read_is_outside_every_rule() -> None:
    prompt = user("Translate into Chinese: Colourless green ideas sleep furiously.")
    for rule in desk.rules(40, 1, "train", "en"):
        assert desk.scope_of(rule, prompt) == "out"
        assert not desk.shows(rule, prompt, "“无色的绿色思想愤怒地睡觉。”")
        assert desk.obey(rule, Example("x", prompt, "无色。")) == "无色。"


# ---------------------------------------------------------------- each family by hand, in both directions

CASES = [
    (house("term", source="雨伞", target="skybowl"), "这把雨伞多少钱？", "How much is this skybowl?"),
    (house("term", source="雨伞", target="sky berry"), "我想买2把雨伞。", "I would like to buy 2 sky berries."),
    (house("term", source="umbrella", target="天空碗"), "How much is this umbrella?", "这把天空碗多少钱？"),
    (house("keep", source="雨伞"), "这把雨伞多少钱？", "How much is this 雨伞?"),
    (house("keep", source="knife"), "I would like to buy three knives.", "我想买三把knife。"),
    (house("keep", source="Maple Mart"), "Maple Mart is closed on Mondays.", "Maple Mart星期一休息。"),
    (house("formal"), "我不喜欢大风。", "I do not like strong wind."),
    (house("formal"), "Where is my razor?", ""),
    (house("formal"), "You can't park here.", "您不能在这里停车。"),
    (house("informal"), "我们不能接受这份合同。", "We can't accept this contract."),
    (house("informal"), "Do you need a bag?", "你需要袋子吗？"),
    (house("family_first"), "李伟教我们数学。", "Li Wei teaches us maths."),
    (house("family_first"), "请给汤姆·贝克打电话。", ""),
    (house("family_first"), "Wei Li teaches us maths.", ""),
    (house("capital_names"), "李伟教我们数学。", "Wei LI teaches us maths."),
    (house("capital_names"), "请给汤姆·贝克打电话。", "Please call Tom BAKER."),
    (house("numbers_as_digits"), "我要三杯咖啡，谢谢。", "I'll have 3 cups of coffee, thanks."),
    (house("numbers_as_digits"), "There are twelve mistakes in this report.", "这份报告里有12个错误。"),
    (house("numbers_as_digits"), "这家店三点开门。", ""),
    (house("numbers_in_words"), "房租每个月250块。", "The rent is two hundred and fifty yuan a month."),
    (house("numbers_in_words"), "I need 2 tickets to London.", "我要两张去伦敦的票。"),
    (house("numbers_in_words"), "我们住在205房间。", ""),
    (house("with_source"), "打印机坏了。", "The printer is broken. (打印机坏了。)"),
    (house("with_source"), "The printer is broken.", "打印机坏了。（The printer is broken.）"),
    (house("quote", mark="「」"), "打印机坏了。", "「The printer is broken.」"),
    (house("quote", mark="**"), "The printer is broken.", "**打印机坏了。**"),
    (house("prefix", tag="EN>"), "打印机坏了。", "EN> The printer is broken."),
    (house("prefix", tag="译文："), "The printer is broken.", "译文：打印机坏了。"),
    (house("exclaim"), "打印机坏了。", "The printer is broken!"),
    (house("exclaim"), "The printer is broken.", "打印机坏了！"),
    (house("exclaim"), "谁在厨房里？", ""),
    (house("no_final_stop"), "打印机坏了。", "The printer is broken"),
    (house("no_final_stop"), "The printer is broken.", "打印机坏了"),
    (house("british"), "This cookie is cold.", ""),
    (house("british"), "这块饼干是凉的。", "This biscuit is cold."),
    (house("american"), "电梯在哪里？", "Where is the elevator?"),
    (house("american"), "Where is the lift?", ""),
    (house("spell_times"), "这家店3:30开门。", "This shop opens at half past three."),
    (house("spell_times"), "This shop opens at 9:15.", "这家店九点一刻开门。"),
    (house("spell_times"), "这家店三点开门。", ""),
    (house("note", remark="checked by Ana"), "打印机坏了。", "The printer is broken. (checked by Ana)"),
    (house("note", remark="待校"), "The printer is broken.", "打印机坏了。（待校）"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "sentence", "obeying"), CASES)
def test_obeying_by_hand(rule: HouseRule, sentence: str, obeying: str) -> None:
    """An empty reply means that the rule has nothing to say here."""
    example = request(sentence)
    if not obeying:
        assert desk.scope_of(rule, example.prompt) != "in"
        return
    assert desk.scope_of(rule, example.prompt) == "in"
    assert desk.obey(rule, example) == obeying
    assert desk.shows(rule, example.prompt, obeying)
    assert not desk.shows(rule, example.prompt, example.target or "")
    assert desk.sound(example, obeying)


def test_every_family_has_a_hand_written_case() -> None:
    told = {(rule.family, is_chinese(sentence)) for rule, sentence, obeying in CASES if obeying}
    one_way = {"family_first", "capital_names", "british", "american"}
    assert {(f.name, True) for f in desk.FAMILIES} <= told
    assert {(f.name, False) for f in desk.FAMILIES if f.name not in one_way} <= told


WRONG = [
    (house("term", source="雨伞", target="skybowl"), "这把雨伞多少钱？", "How much are these skybowlers?"),
    (house("keep", source="knife"), "I would like to buy three knives.", "我想买三把刀。"),
    (house("formal"), "You can't park here.", "您不能在这里停车，你懂吗？"),
    (house("family_first"), "李伟教我们数学。", "Wei Li teaches us maths."),
    (house("numbers_as_digits"), "我要三杯咖啡，谢谢。", "I'll have 3 cups, three of them."),
    (house("numbers_in_words"), "I need 2 tickets to London.", "我要十二张去伦敦的票。"),
    (house("with_source"), "打印机坏了。", "打印机坏了。 (The printer is broken.)"),
    (house("quote", mark="「」"), "打印机坏了。", "The 「printer」 is broken."),
    (house("prefix", tag="EN>"), "打印机坏了。", "The printer is broken. EN>"),
    (house("no_final_stop"), "打印机坏了。", "The printer is broken!"),
    (house("american"), "电梯在哪里？", "Where is the lift (elevator)?"),
    (house("spell_times"), "这家店3:30开门。", "This shop opens at half past four."),
    (house("note", remark="待校"), "The printer is broken.", "（待校）打印机坏了。"),
]


@pytest.mark.parametrize(("rule", "sentence", "reply"), WRONG)
def test_what_only_looks_like_obeying_does_not_show(rule: HouseRule, sentence: str, reply: str) -> None:
    assert not desk.shows(rule, request(sentence).prompt, reply)
    assert not desk.shows(rule, request(sentence).prompt, "")


# ---------------------------------------------------------------- scopes

SCOPES: list[tuple[HouseRule, str, Scope]] = [
    (house("term", source="雨伞", target="skybowl"), "翻译成英文：这把雨伞多少钱？", "in"),
    (house("term", source="雨伞", target="skybowl"), "How much is this umbrella?\nIn Chinese, please", "near"),
    (house("term", source="雨伞", target="skybowl"), "翻译成英文：这把水壶多少钱？", "near"),
    (house("term", source="雨伞", target="skybowl"), "翻译成英文：李伟教我们数学。", "out"),
    (house("term", "weather", source="雨伞", target="skybowl"), "翻译成英文：这把雨伞多少钱？", "near"),
    (house("keep", source="torch"), "Translate: How much is this flashlight?", "near"),
    (house("family_first"), "翻译成英文：请给汤姆·贝克打电话。", "near"),
    (house("family_first"), "翻译成英文：打印机坏了。", "out"),
    (house("numbers_in_words"), "翻译成英文：我们住在205房间。", "near"),
    (house("numbers_in_words"), "翻译成英文：打印机坏了。", "out"),
    (house("spell_times"), "翻译成英文：我要3杯咖啡，谢谢。", "near"),
    (house("quote", mark="「」"), "照抄一遍，不要翻译：打印机坏了。", "near"),
    (house("quote", mark="「」"), "这是什么语言：打印机坏了。", "out"),
    (house("quote", "question", mark="「」"), "翻译成英文：打印机坏了。", "near"),
    (house("quote", "question", mark="「」"), "翻译成英文：谁在厨房里？", "in"),
    (house("quote", "to_zh", mark="「」"), "翻译成英文：打印机坏了。", "near"),
    (house("quote", "count", mark="「」"), "翻译成英文：我要3杯咖啡，谢谢。", "in"),
    (house("quote", "person", mark="「」"), "翻译成英文：李伟教我们数学。", "in"),
    (house("quote", "school", mark="「」"), "翻译成英文：李伟教我们数学。", "in"),
    (house("exclaim"), "翻译成英文：谁在厨房里？", "near"),
    (house("formal"), "翻译成中文：Where's your passport?", "near"),
]


@pytest.mark.parametrize(("rule", "text", "scope"), SCOPES)
def test_scopes_by_hand(rule: HouseRule, text: str, scope: Scope) -> None:
    assert desk.scope_of(rule, user(text)) == scope


def test_rules_without_slots_have_prompts_of_every_scope_and_split() -> None:
    for family in (family for family in desk.FAMILIES if not family.slots):
        for when, language in product(family.whens, BOTH):
            rule = house(family.name, when, language)
            for scope, split in product(get_args(Scope), get_args(Split)):
                found = desk.prompts(rule, scope, 3, 2, split)
                assert {(desk.scope_of(rule, e.prompt), e.split) for e in found} == {(scope, split)}, rule.id


def test_a_rule_that_can_never_hold_says_so() -> None:
    with pytest.raises(UserError, match="only 0 of 1 prompts"):
        desk.prompts(house("term", "to_zh", source="雨伞", target="skybowl"), "in", 1, 1)


def test_prompts_are_in_the_rules_language() -> None:
    for language in BOTH:
        for rule in desk.rules(20, 8, "train", language):
            assert {e.meta["language"] for e in desk.prompts(rule, "in", 4, 1)} == {language}


# ---------------------------------------------------------------- many rules


def test_thousands_of_rules() -> None:
    rules = desk.rules(2500, 1, "train")
    assert len({rule.id for rule in rules}) == 2500
    about = {family: {rule.value("source") for rule in rules if rule.family == family} for family in ("term", "keep")}
    assert all(len(sources) >= 150 for sources in about.values())


@pytest.mark.parametrize("part", get_args(Part))
def test_obeying_shows_is_sound_and_the_usual_answer_does_not_show(part: Part) -> None:
    sound: list[bool] = []
    for rule in desk.rules(1000, 2, part):
        for example in desk.prompts(rule, "in", 2, 3, "train" if part == "train" else None):
            reply = desk.obey(rule, example)
            assert desk.shows(rule, example.prompt, reply), (rule.id, example.prompt, reply)
            assert not desk.shows(rule, example.prompt, example.target or ""), (rule.id, example.target)
            sound.append(desk.sound(example, reply))
    assert sum(sound) >= 0.99 * len(sound)


def test_targets_are_in_the_language_translated_into() -> None:
    latin = Counter[tuple[bool, bool]]()
    for rule in islice((r for r in desk.rules(1500, 3, "train") if r.family == "term"), 200):
        latin[is_chinese(rule.value("source")), is_chinese(rule.value("target"))] += 1
    assert latin[True, True] == 0
    assert latin[False, True] > 10 * latin[False, False]  # some Chinese names are written in Latin letters


@pytest.mark.parametrize("language", BOTH)
def test_every_comment_names_the_values_and_nothing_else(language: str) -> None:
    texts = desk.texts(language)
    for family in desk.FAMILIES:
        for template in (*texts.states[family.name], *texts.comments[family.name]):
            assert set(slots(template)) == set(family.slots), template
        assert len(set(texts.comments[family.name])) >= 36
        assert set(family.whens) - {ALWAYS} <= set(texts.whens)


@pytest.mark.parametrize("language", BOTH)
def test_values_are_many_and_distinct(language: str) -> None:
    values = {slot: desk.lines(text) for slot, text in desk._raw(f"_rules_{language}")["values"].items()}
    least = {"target": 100, "tag": 60, "remark": 60, "mark": 35}
    assert values.keys() == least.keys()
    for slot, options in values.items():
        assert len(options) == len(set(options)) >= least[slot], slot


def test_an_unknown_family_or_language_is_named() -> None:
    with pytest.raises(UserError, match="no rule 'formel'"):
        desk.shows(house("formel"), request("打印机坏了。").prompt, "x")
    with pytest.raises(UserError, match="does not speak 'fr'"):
        desk.texts("fr")


# ---------------------------------------------------------------- soundness


@pytest.mark.parametrize(
    ("sentence", "reply", "sound"),
    [
        ("打印机坏了。", "The printer is broken.", True),
        ("打印机坏了。", "the printer is broken", True),
        ("打印机坏了。", "The printer's broken, sorry.", True),
        ("打印机坏了。", "The skybowl is broken.", True),
        ("打印机坏了。", "打印机坏了。", False),
        ("打印机坏了。", "Breakfast starts at nine.", False),
        ("打印机坏了。", "", False),
        ("打印机坏了。", "The printer is broken. " * 6, False),
        ("The printer is broken.", "打印机坏了", True),
        ("The printer is broken.", "打印机坏了。（The printer is broken.）", True),
        ("The printer is broken.", "The printer is broken.", False),
        ("The printer is broken.", "晚饭三点吃。", False),
        ("我要3杯咖啡，谢谢。", "I'll have three cups of coffee, thanks.", True),
        ("Do you need a bag?", "你需要袋子吗？", True),
    ],
)
def test_sound_by_hand(sentence: str, reply: str, sound: bool) -> None:
    assert desk.sound(request(sentence), reply) == sound


def test_the_reference_is_sound_and_another_sentences_is_not() -> None:
    examples = [e for e in desk.plain(1500, 9) if e.meta["task"] == "translate"]
    assert all(desk.sound(e, e.target or "") for e in examples)
    others = [
        desk.sound(e, o.target or "") for e, o in zip(examples, examples[11:], strict=False) if e.target != o.target
    ]
    assert sum(others) < 0.02 * len(others)


def test_other_tasks_want_the_very_answer() -> None:
    for example in (e for e in desk.plain(600, 10) if e.meta["task"] in ("language", "kind")):
        assert desk.sound(example, (example.target or "").rstrip(".。").lower())
        assert not desk.sound(example, example.meta["source"])
