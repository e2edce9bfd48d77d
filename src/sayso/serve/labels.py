"""/v1/classify and /v1/translate: a task's own answers, as evaluation gives them.

Decided here:
- Every text has a response id of its own, so that a comment is on one answer.
- Other labels than the run's need a model that reads them in the prompt; a head knows only its own.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Depends, Request

from sayso.protocols import Task
from sayso.records import Answer, Example, split_labels, user
from sayso.serve.chat import served
from sayso.serve.guard import Needs
from sayso.serve.house import House
from sayso.serve.keys import Caller
from sayso.serve.problems import Refusal, documented
from sayso.serve.schemas import Classification, ClassifyRequest, TranslateRequest, Translation
from sayso.serve.turn import new_id, unless_left
from sayso.store.responses import Choice, Response, Sort
from sayso.tasks.classify import Classify
from sayso.tasks.translate import Translate

_RESPONSES = documented(400, 401, 403, 404, 413, 422, 429, 502, 504)


def labels_router(house: House, needs: Needs) -> APIRouter:
    """The routes that answer with a label or a translation."""
    router, client = APIRouter(prefix="/v1", tags=["tasks"]), Depends(needs("client"))

    @router.post("/classify", response_model=Classification, responses=_RESPONSES)
    async def classify(body: ClassifyRequest, request: Request, caller: Caller = client) -> Any:
        """Tell which label, or which labels, fit each text, with their probabilities."""
        served(house, body.model)
        texts, task = _texts(body.input), _classifying(house, body)
        told = await _decided(house, caller, "classification", task, texts, request)
        return _head(house) | {
            "data": [
                {"index": i, "id": name, "labels": _named(task, one), "probabilities": dict(one.probabilities) or None}
                for i, (name, one) in enumerate(told)
            ]
        }

    @router.post("/translate", response_model=Translation, responses=_RESPONSES)
    async def translate(body: TranslateRequest, request: Request, caller: Caller = client) -> Any:
        """Translate each text."""
        served(house, body.model)
        texts, task = _texts(body.input), _translating(house, body)
        told = await _decided(house, caller, "translation", task, texts, request)
        return _head(house) | {
            "data": [
                {"index": i, "id": name, "text": one.text, "finish_reason": "stop" if one.ended else "length"}
                for i, (name, one) in enumerate(told)
            ]
        }

    return router


# ---------------------------------------------------------------- inside


async def _decided(
    house: House, caller: Caller, sort: Sort, task: Task, texts: Sequence[str], request: Request
) -> list[tuple[str, Answer]]:
    """Every text's response id and answer, once they are in the log."""
    examples = [Example(new_id(sort), user(text)) for text in texts]
    answers = await unless_left(request, house.answers.call(lambda: house.decide(task, examples)))
    told = [(example.id, answer) for example, answer in zip(examples, answers, strict=True)]
    responses = [
        Response(name, sort, user(text), (_choice(one),), house.version, caller.name)
        for text, (name, one) in zip(texts, told, strict=True)
    ]
    await asyncio.to_thread(house.log.add, responses)
    return told


def _choice(answer: Answer) -> Choice:
    """As sure as the likeliest label; with several, as the one that is least decided."""
    odds = list(answer.probabilities.values())
    several = bool(odds) and not math.isclose(sum(odds), 1.0, rel_tol=1e-6)
    sure = min((max(p, 1 - p) for p in odds), default=None) if several else max(odds, default=None)
    return Choice(answer.text, finish="stop" if answer.ended else "length", certainty=sure)


def _classifying(house: House, body: ClassifyRequest) -> Task:
    if body.labels is None:
        if not house.task.options:
            raise Refusal(400, "this model has no labels of its own; name some", "not_possible", param="labels")
        if body.several is not None and body.several != house.task.several:
            raise Refusal(400, "how many labels hold is decided in the run", "not_possible", param="several")
        return house.task
    if house.kind == "encoder":
        raise Refusal(400, "this model's head knows only its own labels", "not_possible", param="labels")
    if len(set(body.labels)) < len(body.labels):
        raise Refusal(400, "a label is listed twice", "invalid", param="labels")
    return Classify(tuple(body.labels), bool(body.several), sampling=replace(house.task.sampling, beams=1))


def _translating(house: House, body: TranslateRequest) -> Task:
    if house.kind == "encoder":
        raise Refusal(400, "this model is an encoder: it writes nothing", "not_possible")
    own = house.task if isinstance(house.task, Translate) else None
    if own is not None and body.target in ("", own.target_language):
        return own
    if house.kind == "encoder_decoder":
        what = "this model translates into the language that it was trained for"
        raise Refusal(400, what, "not_possible", param="target")
    if not body.target:
        raise Refusal(400, "name the language to translate into", "invalid", param="target")
    return Translate(body.source, body.target, sampling=replace(house.task.sampling, beams=1))


def _named(task: Task, answer: Answer) -> list[str]:
    if task.several:
        return [label for label in split_labels(answer.text) if label in task.options]
    return [answer.text] if answer.text in task.options else []


def _texts(given: str | list[str]) -> list[str]:
    return [given] if isinstance(given, str) else given


def _head(house: House) -> dict[str, Any]:
    return {"object": "list", "model": house.name, "version": house.version}
