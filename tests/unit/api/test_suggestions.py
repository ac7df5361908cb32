"""Did you mean...? Only where a word is near enough."""

import pytest
from llm_operator.api.errors import did_you_mean


@pytest.mark.parametrize(("word", "want"), [("contextLenght", 'did you mean "contextLength"?'), ("zzz", ""), ("", "")])
def test_did_you_mean(word: str, want: str) -> None:
    assert did_you_mean(word, ["contextLength", "dtype"]) == want
