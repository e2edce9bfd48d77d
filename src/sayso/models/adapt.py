"""Which tensors are trained: all, low-rank adapters beside them, or the head alone.

Decided here:
- What an architecture itself keeps fixed (sinusoidal positions) stays fixed.
- The model that the learner calls is always the plain one, with any adapters injected into its layers; peft's wrapper
  is kept only to save them.
- Adapters sit on every linear layer (arXiv 2106.09685; "all linear" is what makes them match full training).
"""

from __future__ import annotations

from typing import Any, Literal

from sayso.errors import UnsupportedError

Tuning = Literal["full", "lora", "dora", "rslora", "frozen", "qlora"]
ADAPTERS = ("lora", "dora", "rslora", "qlora")


def adapt(model: Any, tuning: str, rank: int, kind: str) -> Any:
    """Mark what is trainable, injecting adapters where asked. Returns peft's wrapper, or None without adapters."""
    if tuning in ADAPTERS:
        return _with_adapter(model, tuning, rank, kind)
    _fix_sinusoids(model)
    if tuning == "frozen":
        _freeze_backbone(model, kind)
    return None


def open_adapter(model: Any, folder: str) -> Any:
    """peft's wrapper around `model` with the adapter of `folder`, trainable."""
    from peft import PeftModel

    return PeftModel.from_pretrained(model, folder, is_trainable=True)


def _fix_sinusoids(model: Any) -> None:
    """A new model has them fixed already; loading a saved one forgets it."""
    for module in model.modules():
        if "Sinusoidal" in type(module).__name__:
            module.requires_grad_(False)


def _with_adapter(model: Any, tuning: str, rank: int, kind: str) -> Any:
    from peft import LoraConfig, TaskType, get_peft_model

    kinds = {"encoder": TaskType.SEQ_CLS, "encoder_decoder": TaskType.SEQ_2_SEQ_LM, "decoder": TaskType.CAUSAL_LM}
    has_head = kind != "encoder" or getattr(model, "get_output_embeddings", lambda: None)() is None
    config = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        lora_dropout=0.0,
        target_modules="all-linear",
        use_dora=tuning == "dora",
        fan_in_fan_out=any(type(module).__name__ == "Conv1D" for module in model.modules()),
        use_rslora=tuning == "rslora",
        task_type=kinds[kind] if has_head else None,
    )
    return get_peft_model(model, config)


def _freeze_backbone(model: Any, kind: str) -> None:
    if kind != "encoder":
        raise UnsupportedError(
            f"tuning 'frozen' trains a head alone, and a {kind.replace('_', '-')} has none of its own",
            fix="use tuning: lora, which trains about one percent of the parameters",
        )
    backbone = getattr(model, model.base_model_prefix, None)
    if backbone is None or backbone is model:
        raise UnsupportedError(f"cannot tell head from backbone in {type(model).__name__}", fix="use tuning: lora")
    for parameter in backbone.parameters():
        parameter.requires_grad_(False)
