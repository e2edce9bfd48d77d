from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from ready import ready

from sayso.agreement import make
from sayso.errors import UnsupportedError
from sayso.exporters import handoff


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Handed out, so transformers serve was started and asked."""
    folder = tmp_path_factory.mktemp("handoff")
    found = make(ready("qwen3", folder), handoff, "handoff", handoff.Knobs(), folder / "out")
    assert found.engine == "transformers serve"
    assert found.tokens >= 0.95
    return folder / "out"


def test_the_settings_for_vllm_are_whole(bundle: Path) -> None:
    said = yaml.safe_load((bundle / "vllm.yaml").read_text(encoding="utf-8"))
    assert (said["model"], said["served-model-name"], said["max-model-len"]) == (".", "tiny", 96)
    assert json.loads(said["override-generation-config"]) == {"temperature": 0.0}


def test_the_readme_puts_sayso_in_front_and_says_what_nobody_tried(bundle: Path) -> None:
    readme = (bundle / "README.md").read_text(encoding="utf-8")
    assert "sayso serve RUN --upstream http://127.0.0.1:8001/v1#tiny" in readme
    assert "vLLM was not" in readme


def test_a_template_that_can_think_does_not_and_answers_end_where_they_end(tmp_path: Path) -> None:
    export = ready("qwen3", tmp_path)
    template = export.weights / "chat_template.jinja"
    template.write_text(
        "{% if enable_thinking %}x{% endif %}" + template.read_text(encoding="utf-8"), encoding="utf-8"
    )
    (tmp_path / "out").mkdir()
    handoff.write(export, tmp_path / "out", handoff.Knobs())
    assert "enable_thinking = false" in (tmp_path / "out" / "chat_template.jinja").read_text(encoding="utf-8")
    said = json.loads((tmp_path / "out" / "tokenizer_config.json").read_text(encoding="utf-8"))["response_template"]
    assert said["start_anchor"] == "<|bot|>"
    assert said["fields"]["content"]["close"] == ["</s>"]


def test_a_model_without_turns_is_refused(tmp_path: Path) -> None:
    export = ready("llama", tmp_path)
    (export.weights / "chat_template.jinja").unlink()
    with pytest.raises(UnsupportedError, match="no chat template"):
        make(export, handoff, "handoff", handoff.Knobs(), tmp_path / "out")
