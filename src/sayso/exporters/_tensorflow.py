"""TensorFlow as a program: `_tensorflow.py savedmodel|replay FOLDER GIVEN OUT`, in an environment of its own.

savedmodel: KerasHub reads given.weights, a folder in the hub's layout, and FOLDER gets a SavedModel. replay: plain
TensorFlow loads it; Keras, KerasHub, torch and transformers cannot be imported then. Rows are read in padded batches
of four; golden prompts are answered by always taking the likeliest token.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
BATCH = 4
HEAD = {"output_dense": "classifier"}  # places in KerasHub's classifier, and in transformers'
Run = Callable[[Any, Any], Any]  # ids_BT and mask_BT, int32, to logits


def main(task: str, folder: Path, given: Path, out: Path) -> None:
    """Write OUT/answer.json and, for a replay, OUT/logits.npy."""
    asked = json.loads(given.read_text(encoding="utf-8"))
    if task == "savedmodel":
        about = _saved(asked, folder)
    else:
        about, run = _plain_tensorflow(folder)
        np.save(out / "logits.npy", _rows(run, asked))
        about |= {"answers": [_answer(run, one, asked) for one in asked["golden"]]}
    (out / "answer.json").write_text(json.dumps(about), encoding="utf-8")


# ---------------------------------------------------------------- writing


def _saved(asked: Any, folder: Path) -> dict[str, Any]:
    import keras_hub
    import tensorflow as tf

    lines = tf.TensorSpec((None, None), tf.int32)
    computed = _classifier(asked) if asked["kind"] == "encoder" else _decoder(asked)

    class Serving(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.held, self.computed = computed

        @tf.function(input_signature=[lines, lines])  # type: ignore[untyped-decorator]
        def serve(self, input_ids: Any, attention_mask: Any) -> Any:
            return {"logits": self.computed(input_ids, attention_mask)}

    served = Serving()
    tf.saved_model.save(served, str(folder), signatures={"serving_default": served.serve})
    return {"kerashub": keras_hub.__version__}


def _backbone(asked: Any) -> Any:
    import keras_hub

    return keras_hub.models.Backbone.from_preset(asked["weights"], dtype="float32", **asked["said"])


def _decoder(asked: Any) -> tuple[Any, Callable[[Any, Any], Any]]:
    backbone = _backbone(asked)

    def logits(ids_BT: Any, mask_BT: Any) -> Any:
        hidden_BTD = backbone({"token_ids": ids_BT, "padding_mask": mask_BT}, training=False)
        return backbone.token_embedding(hidden_BTD, reverse=True)

    return backbone, logits


def _classifier(asked: Any) -> tuple[Any, Callable[[Any, Any], Any]]:
    """KerasHub's BERT with our head."""
    import keras_hub
    import tensorflow as tf

    backbone = _backbone(asked)
    _exact_gelu(backbone)
    model = keras_hub.models.BertTextClassifier(backbone=backbone, num_classes=asked["labels"], preprocessor=None)
    _copy_head(model, asked)

    def logits(ids_BT: Any, mask_BT: Any) -> Any:
        inputs = {"token_ids": ids_BT, "padding_mask": mask_BT, "segment_ids": tf.zeros_like(ids_BT)}
        return model(inputs, training=False)

    return model, logits


def _exact_gelu(backbone: Any) -> None:
    """KerasHub's BERT always approximates GELU by tanh, which is another function than transformers' "gelu"."""
    import keras

    def gelu(x: Any) -> Any:
        return keras.activations.gelu(x, approximate=False)

    for layer in backbone.layers:
        if hasattr(layer, "_feedforward_intermediate_dense"):
            layer._feedforward_intermediate_dense.activation = gelu


def _copy_head(model: Any, asked: Any) -> None:
    """KerasHub makes a new head; ours was trained."""
    from safetensors import safe_open

    wanted = {f"{name}.{part}" for name in HEAD.values() for part in ("weight", "bias")}
    found: dict[str, Any] = {}
    for file in sorted(Path(asked["weights"]).glob("*.safetensors")):
        with safe_open(file, framework="np") as tensors:
            found |= {name: tensors.get_tensor(name) for name in tensors.keys() if name in wanted}  # noqa: SIM118
    for place, name in HEAD.items():
        getattr(model, place).set_weights([found[f"{name}.weight"].T, found[f"{name}.bias"]])


# ---------------------------------------------------------------- replaying


def _without(*names: str) -> None:
    """From here on these cannot be imported: what was written must do without."""
    for name in names:
        sys.modules[name] = None  # type: ignore[assignment]


def _plain_tensorflow(folder: Path) -> tuple[dict[str, Any], Run]:
    _without("keras", "keras_hub", "tf_keras", "torch", "transformers")
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder))
    serve = loaded.signatures["serving_default"]

    def run(ids_BT: Any, mask_BT: Any) -> Any:
        held = loaded  # a signature does not keep its variables
        del held
        return serve(input_ids=tf.constant(ids_BT), attention_mask=tf.constant(mask_BT))["logits"].numpy()

    return {"engine": "TensorFlow", "version": tf.__version__}, run


def _rows(run: Run, asked: Any) -> Any:
    rows, found = asked["rows"], []
    for begin in range(0, len(rows), BATCH):
        group = rows[begin : begin + BATCH]
        for logits, row in zip(_read(run, [row["ids"] for row in group], asked), group, strict=True):
            found.append((logits if logits.ndim > 1 else logits[None])[row["at"]])
    return np.concatenate(found).astype(np.float32)


def _read(run: Run, lines: list[list[int]], asked: Any) -> Any:
    """Together, padded on the right."""
    width = max(map(len, lines))
    ids = [[*line, *[asked["pad_id"]] * (width - len(line))] for line in lines]
    mask = [[1] * len(line) + [0] * (width - len(line)) for line in lines]
    return run(np.array(ids, dtype=np.int32), np.array(mask, dtype=np.int32))


def _answer(run: Run, one: Any, asked: Any) -> list[int]:
    if asked["kind"] == "encoder":
        logits_L = _read(run, [one["ids"]], asked)[0]
        return [int(i) for i in np.nonzero(logits_L > 0)[0]] if asked["several"] else [int(logits_L.argmax())]
    said: list[int] = []
    while len(said) < one["room"] and not (said and said[-1] in asked["end_ids"]):
        said.append(int(_read(run, [[*one["ids"], *said]], asked)[0, -1].argmax()))
    return said


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:5]))
