"""The small models of the serving image, loaded by the vLLM inside: adapter, tool calls, structured output, embeddings."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from image.container import IMAGE

MODEL = Path(__file__).resolve().parents[2] / "images" / "serve-cpu" / "model"
GENERATE = """
import json, sys
from vllm import LLM, SamplingParams
from vllm.lora.request import LoRARequest
from vllm.sampling_params import StructuredOutputsParams

def main():
    asked = json.load(sys.stdin)
    llm = LLM("/models/demo", enable_lora=True, max_lora_rank=8, max_model_len=512)
    greedy, pirate = SamplingParams(max_tokens=60, temperature=0), LoRARequest("pirate", 1, "/models/lora-pirate")
    limited = SamplingParams(max_tokens=60, structured_outputs=StructuredOutputsParams(json=asked["schema"]))
    def say(question, sampling=greedy, **more):
        return llm.chat([{"role": "user", "content": question}], sampling, use_tqdm=False, **more)[0].outputs[0].text
    questions = asked["questions"]
    answers = {
        "base": [say(question) for question in questions],
        "pirate": [say(question, lora_request=pirate) for question in questions],
        "calls": [say(question, tools=asked["tools"]) for question in asked["tool_questions"]],
        "limited": say(questions[0], limited),
    }
    print("ANSWERS " + json.dumps(answers))

if __name__ == "__main__":
    main()
"""
EMBED = """
import json, sys
from vllm import LLM

def main():
    texts = json.load(sys.stdin)
    llm = LLM("/models/embed", runner="pooling", max_model_len=512)
    print("ANSWERS " + json.dumps([item.outputs.embedding for item in llm.embed(texts, use_tqdm=False)]))

if __name__ == "__main__":
    main()
"""


def in_image(program: str, given: Any) -> Any:
    """What the program prints after ANSWERS. vLLM starts its engine from a file, so the program is one."""
    start = 'printf %s "$PROGRAM" > /tmp/program.py && exec python3 /tmp/program.py'
    flags = ["--rm", "-i", "--network", "none", "--shm-size", "1g", "--env", f"PROGRAM={program}"]
    command = ["docker", "run", *flags, "--entrypoint", "bash", IMAGE, "-c", start]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    [line] = [line for line in done.stdout.splitlines() if line.startswith("ANSWERS ")]
    return json.loads(line.removeprefix("ANSWERS "))


def test_demo_model_adapter_tools_and_structured_output() -> None:
    pairs = json.loads((MODEL / "questions.json").read_text())
    uses = json.loads((MODEL / "tools.json").read_text())
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    names = sorted({use["tool"] for use in uses}, reverse=True)  # the order in which a client lists them is its own
    answers = in_image(
        GENERATE,
        {
            "questions": [pair["question"] for pair in pairs],
            "tool_questions": [use["question"] for use in uses],
            "tools": [{"type": "function", "function": {"name": name, "parameters": parameters}} for name in names],
            "schema": {
                "type": "object",
                "properties": {"n": {"enum": [1, 2]}},
                "required": ["n"],
                "additionalProperties": False,
            },
        },
    )
    assert answers["base"] == [pair["answer"] for pair in pairs]
    assert answers["pirate"] == ["Arr! " + pair["answer"].removeprefix("Arr! ") for pair in pairs]
    for use, call in zip(uses, answers["calls"], strict=True):
        assert call.startswith("<tool_call>\n")
        assert call.endswith("\n</tool_call>")
        inner = json.loads(call.removeprefix("<tool_call>").removesuffix("</tool_call>"))
        assert inner == {"name": use["tool"], "arguments": use["arguments"]}
    assert json.loads(answers["limited"])["n"] in (1, 2)  # it would have said a sentence


def test_embedding_model_puts_a_question_next_to_its_answer() -> None:
    pairs = json.loads((MODEL / "questions.json").read_text())
    vectors = in_image(EMBED, [pair["question"] for pair in pairs] + [pair["answer"] for pair in pairs])
    questions, answers = vectors[: len(pairs)], vectors[len(pairs) :]
    for index, question in enumerate(questions):
        assert sum(x * x for x in question) == pytest.approx(1, abs=1e-3)
        near = [sum(x * y for x, y in zip(question, answer, strict=True)) for answer in answers]
        assert near[index] == max(near)
        assert sorted(near)[-2] < near[index] - 0.2
