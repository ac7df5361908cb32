import pytest
from llm_serve_app.simulated.settings import InvalidSettings, Settings, parse_settings


def test_no_settings_are_the_defaults() -> None:
    assert parse_settings(None) == parse_settings({}) == Settings()


def test_numbers_without_a_fraction_are_times_too() -> None:
    assert parse_settings({"time_to_first_token_ms": 200, "jitter": 0}).time_to_first_token_ms == 200


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"failure_rat": 1},
            "experimental_configs.simulated.failure_rat: unknown setting; did you mean 'failure_rate'?",
        ),
        ({"timeToFirstTokenMs": 1}, "experimental_configs.simulated.timeToFirstTokenMs: unknown setting"),
        ({"xyz": 1}, "experimental_configs.simulated.xyz: unknown setting; known are time_to_first_token_ms,"),
        ({"failure_rate": 1.5}, "failure_rate: Input should be less than or equal to 1, but is 1.5"),
        ({"stall_rate": -1}, "stall_rate: Input should be greater than or equal to 0, but is -1"),
        ({"output_tokens": 0}, "output_tokens: Input should be greater than or equal to 1, but is 0"),
        ({"output_tokens": "8"}, "output_tokens: Input should be a valid integer, but is '8'"),
        ({"seed": 1.5}, "seed: Input should be a valid integer"),
        (["seed"], "experimental_configs.simulated: must be a mapping of settings, but is list"),
    ],
)
def test_wrong_settings_are_named(values: object, message: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        parse_settings(values)
    assert message in str(caught.value)


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(InvalidSettings) as caught:
        parse_settings({"jitter": 2, "seeed": 1})
    assert len(str(caught.value).splitlines()) == 2
