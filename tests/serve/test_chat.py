"""OpenAI's own client against the model that the package carries, over a real socket."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from live import Live, Parrot, house, running

from sayso.records import Message, Sampling, user
from sayso.serve.house import Limits
from sayso.tasks.generate import Generate

ASKED = [{"role": "user", "content": "How long do I have to return a kettle?"}]
ASKED_ZH = [{"role": "user", "content": "退货要多久？"}]


@pytest.fixture
def client(embedded: Live) -> Iterator[Any]:
    with openai.OpenAI(base_url=embedded.v1, api_key="none", max_retries=0) as made:
        yield made


def asked(client: Any, **more: Any) -> Any:
    return client.chat.completions.create(**({"model": "embedded", "messages": ASKED, "max_tokens": 24} | more))


@pytest.mark.parametrize("messages", [ASKED, ASKED_ZH])
def test_it_answers_as_in_evaluation_and_a_stream_says_the_same(
    client: Any, embedded: Live, messages: list[dict[str, str]]
) -> None:
    prompt = (Message("user", messages[0]["content"]),)
    reply = embedded.voice.reply([prompt], Sampling(max_new_tokens=24))[0]
    whole = asked(client, messages=messages)
    assert whole.choices[0].message.content == reply.text
    assert whole.choices[0].finish_reason == ("stop" if reply.ended else "length")
    assert whole.usage.completion_tokens == len(reply.token_ids)
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
    assert whole.system_fingerprint == embedded.house.version
    chunks = list(asked(client, messages=messages, stream=True, stream_options={"include_usage": True}))
    texts = [choice.delta.content for chunk in chunks for choice in chunk.choices if choice.delta.content]
    assert "".join(texts) == reply.text
    assert len(texts) > 3
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason] == ["stop"]
    assert chunks[-1].usage == whole.usage
    assert all(chunk.choices for chunk in asked(client, messages=messages, stream=True))


def test_what_was_answered_is_in_the_log(client: Any, embedded: Live) -> None:
    whole = asked(client)
    logged = embedded.house.log.find(whole.id)
    assert logged is not None
    assert logged.prompt == user(ASKED[0]["content"])
    assert logged.choices[0].text == whole.choices[0].message.content
    assert embedded.voice.decode(logged.choices[0].token_ids) == logged.choices[0].text
    assert logged.version == embedded.house.version
    assert 0 < (logged.choices[0].certainty or 0) < 1
    stream = list(asked(client, stream=True))
    assert embedded.house.log.find(stream[0].id) is not None


def test_log_probabilities_of_what_is_said(client: Any, embedded: Live) -> None:
    choice = asked(client, logprobs=True, top_logprobs=2).choices[0]
    told = choice.logprobs.content
    text = "".join(one.token for one in told)
    assert choice.message.content in text
    for one in told:
        assert len(one.top_logprobs) == 2
        assert one.logprob == pytest.approx(one.top_logprobs[0].logprob)  # greedy: the likeliest is said
        assert one.bytes == list(one.token.encode())
    scored = embedded.voice.weigh([user(ASKED[0]["content"])], [choice.message.content])[0][0]
    assert math.fsum(one.logprob for one in told) == pytest.approx(scored, abs=1e-2)
    assert asked(client).choices[0].logprobs is None
    streamed = [
        one
        for chunk in asked(client, logprobs=True, top_logprobs=1, stream=True)
        for c in chunk.choices
        if c.logprobs
        for one in c.logprobs.content
    ]
    assert [one.token for one in streamed] == [one.token for one in told]


def test_seeds_and_temperatures(client: Any) -> None:
    def said(**more: Any) -> list[str]:
        return [choice.message.content for choice in asked(client, temperature=1.3, **more).choices]

    one, again, other = said(seed=7, n=3), said(seed=7, n=3), said(seed=8)
    assert one == again
    assert len(set(one)) > 1
    assert said(seed=8) == other == [one[1]]  # the second of seed 7 is drawn with the next seed
    assert len({said()[0] for _ in range(4)}) > 1
    greedy = asked(client).choices[0].message.content
    assert said(seed=1, top_p=1e-6) == [greedy]


def test_stop_sequences(client: Any) -> None:
    full = asked(client).choices[0].message.content
    cut = full[8:12]
    stopped = asked(client, stop=[cut, "never said"])
    assert stopped.choices[0].message.content == full[: full.index(cut)]
    assert stopped.choices[0].finish_reason == "stop"
    chunks = asked(client, stop=cut, stream=True)
    assert "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices) == full[: full.index(cut)]


def test_plain_text_is_gone_on_with(client: Any) -> None:
    made = client.completions.create(model="embedded", prompt=["The customer", "顾客"], max_tokens=6, logprobs=1)
    assert [choice.index for choice in made.choices] == [0, 1]
    told = made.choices[0].logprobs
    assert len(told.tokens) == len(told.token_logprobs) == len(told.top_logprobs) == 6
    assert told.text_offset[1] == len(told.tokens[0])
    parts = client.completions.create(model="embedded", prompt="The customer", max_tokens=6, stream=True)
    assert "".join(choice.text for part in parts for choice in part.choices) == made.choices[0].text


def test_models(client: Any) -> None:
    assert [model.id for model in client.models.list()] == ["embedded"]


@pytest.mark.parametrize(
    ("wrong", "error", "code", "words"),
    [
        ({"model": "embeded"}, openai.NotFoundError, "model_not_found", "did you mean 'embedded'"),
        ({"temperature": 3}, openai.UnprocessableEntityError, "invalid", "temperature"),
        ({"messages": []}, openai.UnprocessableEntityError, "invalid", "messages"),
        ({"top_logprobs": 2}, openai.BadRequestError, "invalid", "logprobs"),
        ({"frequency_penalty": 1}, openai.UnprocessableEntityError, "invalid", "frequency_penalty"),
        ({"extra_body": {"temprature": 1}}, openai.UnprocessableEntityError, "invalid", "temprature"),
        ({"tools": []}, openai.UnprocessableEntityError, "invalid", "tools"),
    ],
)
def test_what_is_wrong_is_said_by_name(client: Any, wrong: dict[str, Any], error: Any, code: str, words: str) -> None:
    with pytest.raises(error) as told:
        asked(client, **wrong)
    assert told.value.code == code
    assert words in str(told.value)


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"\xff\xfe", b'{"messages":[{"role":"user","content":"\\ud800"}]}', b'{"\\ud800":1}', b"nan"],
)
def test_broken_bodies_are_refused_in_words(embedded: Live, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    told = httpx.post(f"{embedded.v1}/chat/completions", content=body, headers=headers)
    assert told.status_code in (400, 422)
    assert told.json()["error"]["message"]


def test_a_long_conversation_is_cut_on_the_left_and_that_is_said(client: Any) -> None:
    long = [{"role": "user", "content": "kettle " * 2000}]
    made = asked(client, messages=long)
    assert made.sayso["cut"] > 1000
    assert asked(client).sayso["cut"] == 0


# ---------------------------------------------------------------- with a model that repeats what it is told


def post(live: Live, **body: Any) -> Any:
    asked = {"messages": [{"role": "user", "content": "hello"}]} | body
    return httpx.post(f"{live.v1}/chat/completions", json=asked, timeout=30)


def test_the_model_is_shown_what_it_was_trained_with(tmp_path: Path) -> None:
    voice = Parrot()
    task, words = Generate(question="You are a shop."), {"en": "Be kind.", "zh": "请友善。"}
    with running(house(voice, tmp_path, task=task, standing=words), voice) as live:
        post(live)
        post(live, messages=[{"role": "developer", "content": "Sing."}, {"role": "user", "content": "你好"}])
        parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
        made = post(live, messages=[{"role": "user", "content": parts}]).json()
        logged = live.house.log.find(made["id"])
    assert voice.prompts[0] == (Message("system", "You are a shop."), Message("user", "hello\n\nBe kind."))
    assert voice.prompts[1] == (Message("system", "Sing."), Message("user", "你好\n\n请友善。"))
    assert voice.prompts[2] == (Message("system", "You are a shop."), Message("user", "ab\n\nBe kind."))
    assert logged is not None
    assert logged.prompt == user("ab")


def test_the_server_bounds_answers_and_bodies(tmp_path: Path) -> None:
    voice = Parrot()
    with running(house(voice, tmp_path), voice, Limits(most_tokens=4, body_bytes=2000)) as live:
        made = post(live, max_tokens=100).json()
        assert (made["choices"][0]["message"]["content"], made["choices"][0]["finish_reason"]) == ("You", "length")
        assert post(live, max_completion_tokens=2).json()["usage"]["completion_tokens"] == 2
        big = post(live, messages=[{"role": "user", "content": "x" * 3000}])
        assert big.status_code == 413
        assert big.json()["error"]["message"]

        def chunks() -> Iterator[bytes]:
            yield b'{"messages": ['
            for _ in range(50):
                yield b" " * 100

        streamed = httpx.post(
            f"{live.v1}/chat/completions", content=chunks(), headers={"content-type": "application/json"}
        )
        assert streamed.status_code == 413


def test_a_fault_is_not_told_to_clients(tmp_path: Path) -> None:
    def broken(_: str) -> str:
        raise RuntimeError("secret path /etc/passwd")

    voice = Parrot(script=broken)
    with running(house(voice, tmp_path), voice) as live:
        told = post(live)
        assert (told.status_code, told.json()["error"]["code"]) == (500, "fault")
        assert "secret" not in told.text
        events = post(live, stream=True)
        assert events.status_code == 200
        assert '"code": "fault"' in events.text or '"code":"fault"' in events.text
        assert "secret" not in events.text
        voice.script = lambda text: text
        assert post(live).json()["choices"][0]["message"]["content"] == "hello"


# ---------------------------------------------------------------- self-correction


def critic(_: Any, answer: str) -> str | None:
    return None if "seven" in answer else "Say seven."


def answers_better(text: str) -> str:
    return "seven days" if "Say seven." in text else "five days"


def test_an_answer_corrects_itself_where_it_is_asked_to(tmp_path: Path) -> None:
    voice = Parrot(script=answers_better)
    with running(house(voice, tmp_path, critic=critic), voice) as live:
        plain = post(live).json()
        mended = post(live, self_correct=2, trace=True, n=2).json()
        assert plain["choices"][0]["message"]["content"] == "five days"
        assert plain["sayso"]["rounds"] is None
        assert [choice["message"]["content"] for choice in mended["choices"]] == ["seven days"] * 2
        assert mended["sayso"]["rounds"] == 1
        assert (
            mended["sayso"]["trace"]
            == [
                [
                    {"answer": "five days", "comment": "Say seven.", "satisfied": False},
                    {"answer": "seven days", "comment": "", "satisfied": True},
                ]
            ]
            * 2
        )
        assert mended["usage"]["completion_tokens"] == 2 * len("five days\n") + 2 * len("seven days\n")
        logged = live.house.log.find(mended["id"])
        assert logged is not None
        assert [one.answer for one in logged.trace[:2]] == ["five days", "seven days"]
        events = post(live, self_correct=1, stream=True, trace=True).text
        assert "seven days" in events
        assert '"trace"' in events
        assert events.endswith("data: [DONE]\n\n")


def test_the_model_may_be_its_own_critic_and_the_server_may_ask_for_it(tmp_path: Path) -> None:
    def script(text: str) -> str:
        if "Would you let this reply pass?" in text:
            return "Yes." if "Reply: seven" in text else "No. Say seven."
        return answers_better(text)

    voice = Parrot(script=script)
    with running(house(voice, tmp_path), voice, Limits(self_correct=1)) as live:
        assert post(live).json()["choices"][0]["message"]["content"] == "seven days"
        assert post(live, self_correct=0).json()["choices"][0]["message"]["content"] == "five days"
        voice.script = lambda text: "No. Say seven." if "pass?" in text else "five days"
        assert post(live, self_correct=3).json()["choices"][0]["message"]["content"] == "five days"


def test_the_embedded_model_can_be_asked_to_look_at_itself(client: Any) -> None:
    made = asked(client, extra_body={"self_correct": 1, "trace": True})
    looks = made.sayso["trace"][0]
    assert looks[0]["answer"]
    assert made.choices[0].message.content in [one["answer"] for one in looks]
