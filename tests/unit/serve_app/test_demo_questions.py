"""The demo model's questions: what the image is trained on and what the end-to-end test asks is one file."""

import json
from pathlib import Path

QUESTIONS = Path(__file__).parents[3] / "images" / "serve-cpu" / "model" / "questions.json"


def test_questions_can_tell_a_right_answer_from_a_wrong_one() -> None:
    pairs = json.loads(QUESTIONS.read_text())
    assert 8 <= len(pairs) <= 12
    assert all(set(pair) == {"question", "answer"} and pair["answer"].strip() == pair["answer"] for pair in pairs)
    assert len({pair["question"] for pair in pairs}) == len({pair["answer"] for pair in pairs}) == len(pairs)
    assert {"question": "What is the capital of France?", "answer": "The capital of France is Paris."} in pairs
