"""What the API takes and gives: OpenAI's fields where it has them, and ours beside them.

Decided here:
- An unknown field is refused by name: nothing that a client asks for is dropped unsaid. Fields that OpenAI's clients
  send and that cannot matter here (user, metadata, ...) are taken; those that would (tools, penalties) must be empty.
- What a client leaves out is what the run was evaluated with: greedy, unless the recipe says otherwise.
- What is ours in an answer stands under `sayso`, where OpenAI's clients do not look.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MOST_CHARACTERS = 200_000
Text = Annotated[str, Field(max_length=MOST_CHARACTERS)]
Words = Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS)]
Stop = Annotated[str, Field(min_length=1, max_length=200)]
Zero = Annotated[float, Field(ge=0, le=0, allow_inf_nan=False)]


class Given(BaseModel):
    """A body that is sent to the server."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class TextPart(Given):
    """A part of a message; only text is understood."""

    type: Literal["text"]
    text: Text


class ChatMessage(Given):
    """One turn."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Text | Annotated[list[TextPart], Field(max_length=64)]
    name: Annotated[str, Field(max_length=64)] | None = None


class StreamOptions(Given):
    """Options of a stream."""

    include_usage: bool = False
    include_obfuscation: bool = False


class Drawing(Given):
    """How an answer is drawn; null is what the run was evaluated with."""

    model: Annotated[str, Field(max_length=500)] = ""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0, le=10**6)] | None = None
    repetition_penalty: Annotated[float, Field(gt=0, le=10)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    n: Annotated[int, Field(ge=1, le=16)] = 1
    stop: Stop | Annotated[list[Stop], Field(max_length=16)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=10**6)] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    user: Annotated[str, Field(max_length=500)] | None = None
    metadata: dict[str, str] | None = None
    frequency_penalty: Zero | None = None
    presence_penalty: Zero | None = None


class ChatRequest(Drawing):
    """POST /v1/chat/completions."""

    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=1000)]
    max_completion_tokens: Annotated[int, Field(ge=1, le=10**6)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    store: bool | None = None
    self_correct: Annotated[int, Field(ge=0, le=5)] | None = Field(
        default=None, description="rounds in which the answer is judged and mended; null for the server's default"
    )
    trace: bool = Field(default=False, description="tell what was said of the answer in each round")


class CompletionRequest(Drawing):
    """POST /v1/completions: plain text is gone on with."""

    prompt: Text | Annotated[list[Text], Field(min_length=1, max_length=16)]
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    echo: Literal[False] | None = None
    best_of: Literal[1] | None = None
    suffix: None = None


class Usage(BaseModel):
    """Tokens read and written."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Round(BaseModel):
    """One look at an answer: what was said of it, and whether it will do (null: it could not be judged)."""

    answer: str
    comment: str
    satisfied: bool | None


class Extra(BaseModel):
    """What only this server says: the version that answered, tokens cut off the prompt, rounds of self-correction."""

    version: str
    cut: int = 0
    rounds: int | None = None
    trace: list[list[Round]] | None = None


class Completion(BaseModel):
    """The answer of /v1/chat/completions and /v1/completions; `choices` are OpenAI's."""

    id: str
    object: Literal["chat.completion", "text_completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[dict[str, Any]]
    usage: Usage
    sayso: Extra


class ModelCard(BaseModel):
    """What is served."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "sayso"
    version: str
    kind: str
    task: str
    labels: list[str]


class Models(BaseModel):
    """GET /v1/models."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


Inputs = Words | Annotated[list[Words], Field(min_length=1, max_length=64)]
Label = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^|\s]([^|]*[^|\s])?$")]


class ClassifyRequest(Given):
    """POST /v1/classify. Without labels: those of the run."""

    input: Inputs
    model: Annotated[str, Field(max_length=500)] = ""
    labels: Annotated[list[Label], Field(min_length=2, max_length=200)] | None = None
    several: bool | None = Field(default=None, description="may several labels hold at once? null: as in the run")


class Classified(BaseModel):
    """One text's labels. A probability is null where the model said the label in words."""

    index: int
    id: str
    labels: list[str]
    probabilities: dict[str, float] | None


class Classification(BaseModel):
    """The answer of /v1/classify."""

    object: Literal["list"] = "list"
    model: str
    version: str
    data: list[Classified]


class TranslateRequest(Given):
    """POST /v1/translate. Without languages: those of the run."""

    input: Inputs
    model: Annotated[str, Field(max_length=500)] = ""
    source: Annotated[str, Field(max_length=35, pattern=r"^[A-Za-z_-]*$")] = ""
    target: Annotated[str, Field(max_length=35, pattern=r"^[A-Za-z_-]*$")] = ""


class Translated(BaseModel):
    """One text in the other language."""

    index: int
    id: str
    text: str
    finish_reason: Literal["stop", "length"]


class Translation(BaseModel):
    """The answer of /v1/translate."""

    object: Literal["list"] = "list"
    model: str
    version: str
    data: list[Translated]


class SpanGiven(Given):
    """Characters [start, end) of the answer, and what is wrong with them."""

    start: Annotated[int, Field(ge=0, le=10**7)]
    end: Annotated[int, Field(ge=1, le=10**7)]
    label: Annotated[str, Field(max_length=200)] = ""
    severity: Annotated[str, Field(max_length=200)] = ""
    replacement: Annotated[str, Field(max_length=20_000)] | None = None


class ScopeGiven(Given):
    """How far the comment reaches: this item, wherever `when` holds, or everywhere."""

    reach: Literal["item", "rule", "everywhere"] = "item"
    when: Annotated[str, Field(max_length=2000)] = ""


class FeedbackRequest(Given):
    """POST /v1/feedback: what somebody says of an answer."""

    response_id: Annotated[str, Field(min_length=1, max_length=200)]
    choice: Annotated[int, Field(ge=0, le=15)] = 0
    comment: Annotated[str, Field(max_length=20_000)] = ""
    spans: Annotated[list[SpanGiven], Field(max_length=100)] = []
    revision: Annotated[str, Field(max_length=20_000)] | None = None
    scope: ScopeGiven = ScopeGiven()
    author: Annotated[str, Field(max_length=200)] = ""
    polarity: Literal["negative", "neutral", "positive"] = "negative"
    language: Annotated[str, Field(max_length=35)] = ""
    licence: Annotated[str, Field(max_length=200)] = ""
    supersedes: Annotated[str, Field(max_length=64)] = ""


class OutcomeTold(BaseModel):
    """What one run made of a comment."""

    state: str
    why: str
    before: str
    after: str
    run: str


class FeedbackTold(BaseModel):
    """A comment, its state, and what became of it.

    `withdrawn`: why it was taken back; null where it was not. `personal_data`: the kinds that were found in it, where
    the run is to warn of them; what is to be taken out is not there any more.
    """

    id: str
    state: str
    why: str
    response_id: str
    comment: str
    revision: str | None
    scope: ScopeGiven
    author: str
    superseded_by: str
    withdrawn: str | None
    personal_data: list[str] = []
    history: list[OutcomeTold]


class Health(BaseModel):
    """GET /health."""

    status: Literal["ok"] = "ok"
    model: str
    version: str
    waiting: int
