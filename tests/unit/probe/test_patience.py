"""How long the next answer may take."""

import pytest
from llm_operator.probe.patience import LEAST_SECONDS, MOST_SECONDS, Patience


@pytest.mark.parametrize(
    ("answers", "seconds"),
    [
        ((), LEAST_SECONDS),
        ((0.05, 0.08), LEAST_SECONDS),
        ((1.0,), 3.0),
        ((1.0, 0.1, 0.1), 3.0),
        ((1.0, *(0.1,) * 8), LEAST_SECONDS),
        ((50.0,), MOST_SECONDS),
    ],
)
def test_a_model_that_was_slow_gets_three_times_as_long(answers: tuple[float, ...], seconds: float) -> None:
    patience = Patience()
    for each in answers:
        patience.answered(each)
    assert patience.seconds == pytest.approx(seconds)
