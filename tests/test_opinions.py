"""Reviews made of opinions, heard again from the text as they were planned, in both languages."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from functools import cache
from itertools import product
from random import Random

import pytest

from sayso.opinions import (
    Bank,
    Heard,
    Opinion,
    Plan,
    composed,
    drawn_plan,
    hear,
    heard_opinions,
    label_of,
    spellings,
)
from sayso.phrases import fill
from sayso.records import Split
from sayso.surface import is_chinese
from sayso.worlds import reviews

BOTH = ("en", "zh")
MOODS = ("good", "bad", "wry")


def bank(language: str) -> Bank:
    return reviews._bank(language)


def heard(text: str) -> Heard:
    return hear(text, bank("zh" if is_chinese(text) else "en"))


def said(text: str, language: str) -> list[tuple[str, str]]:
    return [(one.topic, one.mood) for one in heard_opinions(text, bank(language))]


@cache
def spelled(language: str) -> tuple[tuple[str, str, str], ...]:
    """Every opinion on a topic that the bank can spell: (text, topic, mood)."""
    return tuple(
        (text.strip(), topic, mood)
        for topic, mood in product(bank(language).raw["topics"], MOODS)
        for line in bank(language).lines("opinions", topic, mood)
        for text in spellings(line.rpartition("> ")[2])
    )


# ---------------------------------------------------------------- spellings


def test_a_template_becomes_every_one_of_its_choices() -> None:
    assert spellings("[so |]easy") == ["so easy", "easy"]
    assert spellings("[a|b] [c|d|c]") == ["a c", "a d", "b c", "b d"]
    assert spellings("late again") == ["late again"]


@pytest.mark.parametrize("language", BOTH)
def test_no_spelling_says_two_things(language: str) -> None:
    meant: dict[str, set[tuple[str, str]]] = {}
    for text, topic, mood in spelled(language):
        meant.setdefault(text.lower().replace("'", ""), set()).add((topic, mood))
    assert len(meant) > 1000
    assert {text: says for text, says in meant.items() if len(says) > 1} == {}


@pytest.mark.parametrize("language", BOTH)
def test_every_spelling_is_heard_whole_however_it_is_typed(language: str) -> None:
    """Also where a part of it would say something by itself ("not worth the money", "easy to use")."""
    for text, topic, mood in spelled(language):
        for typed in (text, text.upper(), text.replace("'", ""), text.replace("'", "’")):
            found = heard_opinions(f"x: {typed}.", bank(language))
            assert [(one.topic, one.mood, one.start, one.end) for one in found] == [(topic, mood, 3, 3 + len(typed))]


@pytest.mark.parametrize("language", BOTH)
def test_two_opinions_side_by_side_stay_two(language: str) -> None:
    """No end of one and beginning of another make a third, whatever joins them."""
    dice, options = Random(f"pairs:{language}"), spelled(language)
    joins = [join for turn in ("same", "turn") for join in bank(language).lines("joins", turn)]
    for _ in range(4000):
        one, other = dice.choice(options), dice.choice(options)
        text = fill(dice.choice(joins), {"one": one[0], "other": other[0]})
        assert said(text, language) == [one[1:], other[1:]], text


@pytest.mark.parametrize("language", BOTH)
def test_what_is_beside_the_point_holds_no_opinion_and_no_stars(language: str) -> None:
    raw, values = bank(language).raw, reviews.values(language)
    blocks = [raw[name] for name in ("asides", "words", "denials", "mentions", "staff", "friends")]
    for block in (*blocks, *(facts["opens"] for facts in raw["domains"].values())):
        for line in filter(None, block.splitlines()):
            for template in spellings(line.strip()):
                slot = next(iter(re.findall(r"\{(\w+)\}", template)), "")
                for value in values.get(slot) or (bank(language).lines("slots", slot) if slot else ("",)):
                    found = hear(template.replace("{" + slot + "}", value), bank(language))
                    assert (found.opinions, found.stars) == ((), 0), (template, value)


@pytest.mark.parametrize("language", BOTH)
def test_what_rules_are_about_is_said_on_purpose_only(language: str) -> None:
    """No word or thing of a rule stands in the bank itself, nor in another one as a word of its own."""
    raw, values = bank(language).raw, reviews.values(language)
    blocks = [raw[name] for name in ("asides", "words", "denials", "mentions", "staff", "friends")]
    blocks += [facts["opens"] for facts in raw["domains"].values()]
    texts = [
        re.sub(r"\{\w+\}", "", text) for block in blocks for line in block.splitlines() for text in spellings(line)
    ]
    texts += [text for text, _, _ in spelled(language)]
    for value in (*values["word"], *values["thing"]):
        others = [other for other in (*values["word"], *values["thing"]) if other != value]
        assert [text for text in (*texts, *others) if hear(text, bank(language)).find(value)] == [], value


@pytest.mark.parametrize("language", BOTH)
def test_every_topic_of_a_domain_can_be_praised_blamed_and_mocked(language: str) -> None:
    for domain in bank(language).raw["domains"]:
        for topic, mood in product(bank(language).topics(domain), MOODS):
            assert len(bank(language).sayings(topic, mood, domain)) >= 2, (domain, topic, mood)


def test_a_saying_is_used_in_its_own_domains() -> None:
    fits = {domain: bank("en").sayings("size", "good", domain) for domain in ("clothes", "hotel", "gadget", "book")}
    assert [domain for domain, found in fits.items() if "true to size" in found] == ["clothes"]
    well_made = "[really |very |]well made"
    made = {domain: bank("en").sayings("quality", "good", domain) for domain in ("clothes", "hotel", "gadget", "book")}
    assert [domain for domain, found in made.items() if well_made in found] == ["clothes", "gadget", "book"]
    assert "late again" in bank("en").sayings("delivery", "bad", "takeaway")
    assert "到处是线头" not in bank("zh").sayings("quality", "bad", "gadget")


def test_labels_and_topics_are_told_apart() -> None:
    assert bank("en").topic("ease of use") == "ease"
    assert bank("zh").topic("物流") == "delivery"
    assert bank("en").topic("positive") == bank("zh").topic("好评") == ""
    assert bank("zh").labels("sentiment") == ("好评", "差评", "中评")
    assert bank("en").labels("topic")[-1] == "ease of use"


# ---------------------------------------------------------------- what a text says

EN = "Is this review positive, negative or mixed?"
EN_TOPIC = "Which of these is it about? ease of use/size/taste/looks/price/service/quality/delivery"
ZH = "这条评价是好评、差评还是中评？"
ZH_TOPIC = "话题是操作、外观、价格、大小、服务、味道、物流还是质量里的哪一个？"
HEARD = [
    ("Delicious, but a rip-off.", "taste good, price bad"),
    ("DELICIOUS!!! a rip-off", "taste good, price bad"),
    ("It isn’t cheap. You won’t find this cheaper anywhere.", "price good"),
    ("Three emails and no reply, and they couldnt care less", "service bad, service bad"),
    ("Easy to use, even my gran can work it.", "ease good, ease good"),
    ("The courier was rude; great service otherwise", "delivery bad, service good"),
    ("The courier was rude, the staff was rude.", "delivery bad, service bad"),
    ("Great service, I got to know the hold music by heart.", "service wry"),
    ("Great service", "service good"),
    ("As good as new after a year, still as good as new after a year.", "quality good, quality good"),
    ("Undelicious a rip-offer", ""),
    ("Nothing to say.", ""),
    ("味道很好，不过太贵了", "taste good, price bad"),
    ("太贵了太难吃", "price bad, taste bad"),
    ("服务很好。好服务，客服让我把等候音乐都背下来了", "service good, service wry"),
    ("质量真好，足足撑了一个小时", "quality wry"),
    ("质量真的很好", "quality good"),
    ("快递小哥很客气，小哥人不错", "delivery good"),
    ("没什么好说的", ""),
]


@pytest.mark.parametrize(("text", "opinions"), HEARD)
def test_opinions_are_heard_in_their_order(text: str, opinions: str) -> None:
    assert ", ".join(f"{topic} {mood}" for topic, mood in said(text, "zh" if is_chinese(text) else "en")) == opinions


def test_an_opinion_knows_its_place() -> None:
    for text, quotes in (
        ("Well, fast delivery! A rip-off.", ["fast delivery", "A rip-off"]),
        ("嗯，物流很快！太贵了", ["物流很快", "太贵了"]),
    ):
        review = heard(f"{text}\n{ZH if is_chinese(text) else EN}").review
        found = heard_opinions(review, bank("zh" if is_chinese(text) else "en"))
        assert [review[one.start : one.end] for one in found] == quotes


KINDS = [
    (EN, "sentiment"),
    ("Mixed/positive/negative", "sentiment"),
    ("Is it positive or negative?", ""),
    (EN_TOPIC, "topic"),
    ("About taste, price or service?", ""),
    ("How many stars does this review give?", "stars"),
    ("Whose name comes up here?", "person"),
    ("How are you?", ""),
    (ZH, "sentiment"),
    ("是好评还是差评？", ""),
    (ZH_TOPIC, "topic"),
    ("打了几颗星？", "stars"),
    ("提到了谁的名字？", "person"),
    ("你好吗？", ""),
]


@pytest.mark.parametrize(("question", "kind"), KINDS)
def test_the_question_is_told_by_its_words_wherever_it_stands(question: str, kind: str) -> None:
    review, label, asked = (
        ("太贵了。", "评价：", "问题：") if is_chinese(question) else ("A rip-off.", "Review: ", "Question: ")
    )
    for text in (
        f"{review}\n\n{question}",
        f"{question}\n{review}",
        f"{label}{review}\n{asked}{question}",
        f"{question}\n{label}{review}",
        f"“{review}”\n{question}",
        f'{question} "{review}"',
        f"“{review}”{question}",
    ):
        found = heard(text)
        assert found.kind == kind, text
        assert not kind or found.review == review, text


@pytest.mark.parametrize("language", BOTH)
def test_every_question_of_the_bank_is_heard_as_what_it_asks(language: str) -> None:
    words = {"noun": "评价" if language == "zh" else "review"}
    for kind, block in bank(language).raw["questions"].items():
        words["labels"] = "/".join(bank(language).labels(kind)) if kind in ("sentiment", "topic") else ""
        words["among"] = words["labels"]
        for question in (text for line in block.splitlines() for text in spellings(line.strip())):
            assert hear(fill(question, words), bank(language)).kind == kind, question


def test_a_review_of_several_lines_is_kept_and_quotes_in_it_are_no_frame() -> None:
    assert heard(f"Fast delivery.\nA rip-off.\n4/5\n\n{EN}").review == "Fast delivery.\nA rip-off.\n4/5"
    assert heard(f"The “chef” was out. A rip-off.\n{EN}").review == "The “chef” was out. A rip-off."
    assert heard(f"所谓“大厨”不在。太贵了。\n{ZH}").usual == "差评"
    assert heard(f'Delicious, said "my" wife.\nBut a rip-off.\n{EN}').usual == "mixed"


STARS = [
    ("★★☆☆☆", 2),
    ("⭐⭐⭐⭐⭐", 5),
    ("4/5", 4),
    ("Rating: 1/5", 1),
    ("3 out of 5", 3),
    ("2 of 5", 2),
    ("5 stars", 5),
    ("1 star", 1),
    ("25 stars", 0),
    ("4/50", 0),
    ("five nice people", 0),
    ("打3星", 3),
    ("四颗星", 4),
    ("两星", 2),
    ("一星", 1),
    ("五星", 5),
    ("评分：2/5", 2),
    ("★☆☆☆☆", 1),
    ("看星空", 0),
    ("等了三星期", 0),
    ("一家四星级酒店", 0),
    ("打1颗星", 1),
]


@pytest.mark.parametrize(("text", "stars"), STARS)
def test_stars_are_counted_in_every_way_of_giving_them(text: str, stars: int) -> None:
    found = heard(f"太贵了。{text}\n几颗星？" if is_chinese(text) else f"A rip-off. {text}\nHow many stars are given?")
    assert found.stars == stars
    assert found.usual == (str(stars) if stars else "")


SAYS = [
    ("It's sick.", "sick", True),
    ("SICK!", "sick", True),
    ("Not sick.", "sick", False),
    ("I wouldn't call it sick", "sick", False),
    ("I wouldn’t call it sick", "sick", False),
    ("I wouldnt call it sick", "sick", False),
    ("Hardly all that sick, never so sick, the opposite of sick", "sick", False),
    ("It isn't sick, wasn’t all that sick, didnt seem not very sick", "sick", False),
    ("Not a legend, not what I'd call a legend, there's nothing legend", "legend", False),
    ("It doesn't slaps", "slaps", False),
    ("Isn't it sick?", "sick", True),
    ("Not cheap. Really sick.", "sick", True),
    ("Not sick? Sick!", "sick", True),
    ("So homesick, sickly", "sick", False),
    ("As crisp as toast", "crisp as toast", True),
    ("太上头了", "上头", True),
    ("上头，真的上头", "上头", True),
    ("谈不上上头", "上头", False),
    ("离上头还差得远", "上头", False),
    ("并不上头，不算上头", "上头", False),
    ("没那么上头，不是很上头，不怎么上头", "上头", False),
    ("可不是上头嘛", "上头", True),
    ("不贵，上头", "上头", True),
    ("上面的头", "上头", False),
]


@pytest.mark.parametrize(("review", "word", "says"), SAYS)
def test_a_word_that_is_denied_is_not_said(review: str, word: str, says: bool) -> None:
    assert heard(f"{review}\n{ZH if is_chinese(review) else EN}").says(word) == says


def test_a_thing_is_found_as_a_word_of_its_own() -> None:
    assert [found.start() for found in heard(f"The Fob, a fobwatch, the fob.\n{EN}").find("fob")] == [4, 25]
    assert [found.start() for found in heard(f"图里能看见门垫\n{ZH}").find("门垫")] == [5]


LENGTHS = [
    ("We went to bed hungry.", -1),
    ("2 out of 5 We went to bed hungry. 😞", -1),
    ("My rating: 3/5\nWe went to bed hungry!!", -1),
    ("We all went to bed hungry.", 0),
    ("It's self-explanatory", -4),
    ("七个字的一条话！", -1),
    ("八个字的一条话呀。", 0),
    ("打分：3/5 太贵了", -5),
    ("打3星 T恤太贵了", -3),
]


@pytest.mark.parametrize(("review", "beyond"), LENGTHS)
def test_how_short_a_review_is_without_its_stars(review: str, beyond: int) -> None:
    assert heard(f"{review}\n{ZH if is_chinese(review) else EN}").short == beyond


PEOPLE = [
    ("It was Ruth who served us.", "staff", "Ruth"),
    ("The name tag said Kwame.", "staff", "Kwame"),
    ("Ruth, my flatmate, was there too.", "friends", "Ruth"),
    ("ruth at the desk handled it", "staff", "Ruth"),
    ("Ruth is nice.", "", ""),
    ("接待我们的是小李。", "staff", "小李"),
    ("和室友小李一起写的。", "friends", "小李"),
    ("小李很好。", "", ""),
]


@pytest.mark.parametrize(("review", "who", "name"), PEOPLE)
def test_staff_and_friends_are_heard_by_what_they_do(review: str, who: str, name: str) -> None:
    asked = "提到了谁的名字？" if is_chinese(review) else "Who is named in this review?"
    found = heard(f"{review}\n{asked}")
    assert [(one.topic, one.mood) for one in found.people] == ([(who, name)] if who else [])
    assert (found.usual, found.opinions) == (name, ())


DOMAINS = [
    ("Stayed two nights for work.", "hotel"),
    ("Table for two on a Friday.", "restaurant"),
    ("Our usual takeaway.", "takeaway"),
    ("Downloaded it yesterday.", "app"),
    ("The paperback edition.", "book"),
    ("My first jumper from this shop.", "clothes"),
    ("Kettle for the office.", "gadget"),
    ("A rip-off.", ""),
    ("It doubles as a dining table.", ""),
    ("Fits neatly in a coat pocket.", ""),
    ("Came last night.", ""),
    ("住了302。", "hotel"),
    ("提前一天订了桌。", "restaurant"),
    ("懒得做饭，叫了个外卖。", "takeaway"),
    ("昨天下载的。", "app"),
    ("买的是平装。", "book"),
    ("一直想要一件毛衣。", "clothes"),
    ("台灯用了两周。", "gadget"),
    ("说明书我当小说看了一周。", ""),
    ("太贵了。", ""),
]


@pytest.mark.parametrize(("review", "domain"), DOMAINS)
def test_what_is_reviewed_is_told_by_words(review: str, domain: str) -> None:
    assert heard(f"{review}\n{ZH if is_chinese(review) else EN}").domain == domain


GOOD, BAD, WRY = (Opinion("price", mood) for mood in MOODS)
TASTE = Opinion("taste", "good")


@pytest.mark.parametrize(
    ("opinions", "sentiment", "topic"),
    [
        ((GOOD,), "positive", "price"),
        ((BAD, BAD), "negative", "price"),
        ((GOOD, BAD), "mixed", "price"),
        ((WRY,), "positive", "price"),
        ((WRY, BAD), "mixed", "price"),
        ((WRY, GOOD), "positive", "price"),
        ((TASTE, BAD), "mixed", "taste"),
        ((BAD, TASTE), "mixed", "price"),
        ((TASTE, BAD, WRY), "mixed", "price"),
        ((), "", ""),
    ],
)
def test_what_opinions_add_up_to(opinions: tuple[Opinion, ...], sentiment: str, topic: str) -> None:
    assert label_of(bank("en"), "sentiment", opinions) == sentiment
    assert label_of(bank("en"), "topic", opinions) == topic
    chinese = {"positive": "好评", "negative": "差评", "mixed": "中评", "price": "价格", "taste": "味道", "": ""}
    assert label_of(bank("zh"), "sentiment", opinions) == chinese[sentiment]
    assert label_of(bank("zh"), "topic", opinions) == chinese[topic]


def test_where_nothing_is_asked_or_said_there_is_no_answer() -> None:
    assert heard("A rip-off.").usual == heard(f"Hm.\n{EN}").usual == heard("太贵了。").usual == ""
    assert heard("A rip-off.\nWho is named here?").usual == heard("A rip-off.\nHow many stars are given?").usual == ""


# ---------------------------------------------------------------- reviews as they were planned


def drawn(language: str, count: int, **given: str) -> list[tuple[Plan, Random]]:
    dice = [Random(f"review {number}:{given}") for number in range(count)]
    return [(drawn_plan(bank(language), one, **given), one) for one in dice]


@pytest.mark.parametrize("language", BOTH)
def test_a_review_is_heard_as_it_was_planned(language: str) -> None:
    placed = wrong = 0
    for plan, dice in drawn(language, 4000):
        plan = replace(plan, placed=dice.random() < 0.5)
        example = composed(bank(language), plan, dice)
        found = hear(example.prompt[0].text, bank(language))
        opinions = plan.opinions[:1] if plan.short else plan.opinions
        assert (found.kind, found.stars) == (plan.kind, plan.stars), example.prompt
        assert [(one.topic, one.mood) for one in found.opinions] == [*opinions], example.prompt
        assert [one.topic for one in found.people] == ([plan.person] if plan.person else []), example.prompt
        assert not plan.word or found.says(plan.word) != plan.denied, example.prompt
        assert not plan.thing or found.find(plan.thing), example.prompt
        assert example.meta == {"language": language, "kind": plan.kind, "domain": plan.domain}
        placed += plan.placed and not plan.short
        wrong += found.domain not in ((plan.domain,) if plan.placed and not plan.short else ("", plan.domain))
    assert placed > 1500
    assert wrong == 0


@pytest.mark.parametrize("language", BOTH)
def test_the_answer_follows_from_the_plan(language: str) -> None:
    raw = bank(language).raw
    for plan, dice in drawn(language, 1500):
        example = composed(bank(language), plan, dice)
        opinions = plan.opinions[:1] if plan.short else plan.opinions
        if plan.kind == "sentiment":
            moods = {mood == "bad" for _, mood in opinions}
            mood = "mixed" if len(moods) == 2 else "bad" if True in moods else "good"
            assert example.target == raw["sentiments"][mood]
        elif plan.kind == "topic":
            ((topic, count), *others) = Counter(topic for topic, _ in opinions).most_common()
            assert not others or count > others[0][1]  # nobody could argue about it
            assert example.target == raw["topics"][topic]
        elif plan.kind == "stars":
            assert example.target == str(plan.stars)
        else:
            assert example.target in bank(language).lines("slots", "name")
            assert example.target in example.prompt[0].text


def test_the_same_dice_make_the_same_review() -> None:
    plan = drawn_plan(bank("en"), Random("x"))
    assert composed(bank("en"), plan, Random("a")) == composed(bank("en"), plan, Random("a"))
    assert composed(bank("en"), plan, Random("a")) != composed(bank("en"), plan, Random("b"))


@pytest.mark.parametrize("language", BOTH)
def test_a_plan_is_about_what_was_asked_for(language: str) -> None:
    for kind, domain, topic in (("topic", "hotel", "taste"), ("sentiment", "app", "ease"), ("stars", "book", "size")):
        for plan, _ in drawn(language, 60, kind=kind, domain=domain, topic=topic):
            assert (plan.kind, plan.domain) == (kind, domain)
            assert topic in dict(plan.opinions)
            assert set(dict(plan.opinions)) <= set(bank(language).topics(domain))
    elsewhere = {plan.domain for plan, _ in drawn(language, 60, domain="app", topic="taste")}
    assert elsewhere == {"takeaway", "restaurant", "hotel"}  # of an app nobody says how it tastes


def test_plans_are_of_all_sorts() -> None:
    plans = [plan for plan, _ in drawn("en", 4000)]
    moods = Counter(mood for plan in plans for _, mood in plan.opinions)
    assert 0.05 < moods["wry"] / moods.total() < 0.1
    assert 0.8 < moods["bad"] / (moods["good"] + moods["wry"]) < 1.25
    assert {len(plan.opinions) for plan in plans} == {1, 2, 3}
    assert 0.25 < sum(plan.stars > 0 for plan in plans) / len(plans) < 0.4
    assert all(plan.stars for plan in plans if plan.kind == "stars")
    assert all(plan.person for plan in plans if plan.kind == "person")
    sentiments = Counter(label_of(bank("en"), "sentiment", [Opinion(*one) for one in p.opinions]) for p in plans)
    assert all(0.2 < count / len(plans) < 0.5 for count in sentiments.values())


def test_stars_mostly_fit_the_words() -> None:
    given: dict[int, list[int]] = {-1: [], 0: [], 1: []}
    for plan, _ in drawn("en", 6000):
        bad = {mood == "bad" for _, mood in plan.opinions}
        if plan.stars:
            given[0 if len(bad) == 2 else -1 if True in bad else 1].append(plan.stars)
    least, middle, most = (sum(stars) / len(stars) for stars in given.values())
    assert least < 2.2 < middle < 3.5 < most
    assert 0.1 < sum(stars > 2 for stars in given[-1]) / len(given[-1]) < 0.25


@pytest.mark.parametrize("language", BOTH)
def test_opinions_that_contradict_each_other_are_joined_by_a_but(language: str) -> None:
    ways = {
        turn: {join[len("{one}") : -len("{other}")] for join in bank(language).lines("joins", turn)}
        for turn in ("same", "turn")
    }
    assert not ways["same"] & ways["turn"]
    for plan, dice in drawn(language, 800, kind="sentiment"):
        plan = replace(plan, opinions=plan.opinions[:2], short=False)
        found = hear(composed(bank(language), plan, dice).prompt[0].text, bank(language))
        if len(found.opinions) == 2:
            one, other = found.opinions
            turn = "same" if one.good == other.good else "turn"
            between = re.sub(" +", " ", found.review[one.end : other.start])
            assert between in {way.replace("'", mark) for way in ways[turn] for mark in ("'", "")}, found.review


@pytest.mark.parametrize("language", BOTH)
def test_nobody_says_the_same_twice(language: str) -> None:
    plan = Plan("topic", "hotel", (("price", "bad"),) * 3)
    for number in range(300):
        found = hear(composed(bank(language), plan, Random(f"twice {number}")).prompt[0].text, bank(language))
        assert len({found.review[one.start : one.end].lower() for one in found.opinions}) == 3


@pytest.mark.parametrize("language", BOTH)
def test_a_short_review_is_one_opinion_in_few_words(language: str) -> None:
    """As far as the bank has something short to say: irony takes its time."""
    brief = 0
    for plan, dice in drawn(language, 400, kind="sentiment"):
        plan = replace(plan, short=True, person="", word="", thing="")
        found = hear(composed(bank(language), plan, dice).prompt[0].text, bank(language))
        assert len(found.opinions) == 1
        said = [spellings(line) for line in bank(language).sayings(*plan.opinions[0], plan.domain)]
        has_brief = any(all(_words(text, language) < bank(language).raw["short"] for text in line) for line in said)
        assert found.short < 0 or not has_brief, found.review
        assert found.short < 12
        brief += has_brief
    assert brief > 320


def _words(text: str, language: str) -> int:
    return len(text.split()) if language == "en" else sum(letter.isalpha() for letter in text)


@pytest.mark.parametrize("language", BOTH)
def test_a_face_fits_the_mood(language: str) -> None:
    faces = {mood: set(text.split()) for mood, text in bank(language).raw["faces"].items()}
    for mood, kind in (("good", "good"), ("bad", "bad"), ("wry", "mixed")):
        plan = Plan("sentiment", "hotel", (("price", mood),))
        texts = [composed(bank(language), plan, Random(f"face {n}")).prompt[0].text for n in range(150)]
        shown = {face for text in texts for every in faces.values() for face in every if face in text}
        assert len(shown) > 3
        assert shown <= faces[kind]


@pytest.mark.parametrize("language", BOTH)
def test_labels_are_listed_whole_and_in_any_order(language: str) -> None:
    first = Counter[str]()
    labels = bank(language).labels("sentiment")
    for plan, dice in drawn(language, 300, kind="sentiment"):
        text = composed(bank(language), plan, dice).prompt[0].text.lower()
        first[min(labels, key=text.index)] += 1
    assert all(count > 60 for count in first.values())
    assert len(first) == 3


# ---------------------------------------------------------------- splits


@pytest.mark.parametrize("language", BOTH)
def test_what_fills_the_slots_does_not_change_the_split(language: str) -> None:
    """So a way of saying something is in one split, whatever it is said of."""
    turned = {slot: "\n".join(reversed(block.splitlines())) for slot, block in bank(language).raw["slots"].items()}
    other = replace(bank(language), raw={**bank(language).raw, "slots": turned})
    opinions = (("price", "good"), ("looks", "bad"))
    same, splits = 0, Counter[Split]()
    for number in range(600):
        plan = Plan("sentiment", "clothes", opinions, 2, "上头", thing="门垫", placed=True)
        one, another, third = (
            composed(spoken, said, Random(f"split {number}"))
            for spoken, said in (
                (bank(language), plan),
                (other, plan),
                (bank(language), replace(plan, stars=5, word="巴适", thing="蜡烛")),
            )
        )
        same += one.prompt == another.prompt
        assert one.prompt != third.prompt
        assert len({one.id, another.id, third.id}) == len({one.prompt, another.prompt, third.prompt})
        assert one.split == another.split == third.split
        splits[one.split] += 1
    assert same < 120
    assert len(splits) == 3


@pytest.mark.parametrize("language", BOTH)
def test_eight_in_ten_ways_of_saying_something_are_for_training(language: str) -> None:
    splits = Counter(composed(bank(language), plan, dice).split for plan, dice in drawn(language, 4000))
    assert 0.77 < splits["train"] / 4000 < 0.83
    assert 0.08 < splits["validation"] / 4000 < 0.12
