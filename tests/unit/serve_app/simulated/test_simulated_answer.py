import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_serve_app.simulated.answer import Limits, echo, fixed
from llm_serve_app.simulated.draws import draw, gaps
from llm_serve_app.simulated.settings import Settings

PROMPT = "What is the capital of France?"


@given(st.text(max_size=300), st.integers(1, 100), st.integers(1, 100), st.booleans())
def test_an_answer_has_the_length_asked_for(prompt: str, natural: int, most: int, reasoning: bool) -> None:
    answer = echo(prompt, Limits(natural, most), reasoning=reasoning)
    assert answer.length == min(natural, most)
    assert answer.finish == ("stop" if natural < most else "length")
    assert bool(answer.reasoning) == reasoning


def test_the_client_recognises_its_prompt() -> None:
    assert "".join(echo(PROMPT, Limits(20, 100), reasoning=False).content).startswith(f"simulated: {PROMPT} and so on")


@pytest.mark.parametrize(
    ("limits", "length", "finish"),
    [
        (Limits(8, 50, least=20), 20, "stop"),
        (Limits(8, 50, ignore_end=True), 50, "length"),
        (Limits(8, 5), 5, "length"),
        (Limits(8, 5, least=20), 5, "length"),
    ],
)
def test_limits(limits: Limits, length: int, finish: str) -> None:
    answer = echo(PROMPT, limits, reasoning=False)
    assert (answer.length, answer.finish) == (length, finish)


def test_the_first_stop_string_ends_the_answer() -> None:
    answer = echo(PROMPT, Limits(20, 100, stop=("France", "capital")), reasoning=False)
    assert "".join(answer.content) == "simulated: What is the "
    assert (answer.finish, answer.stop_reason) == ("stop", "capital")
    kept = echo(PROMPT, Limits(20, 100, stop=("capital",), include_stop=True), reasoning=False)
    assert "".join(kept.content) == "simulated: What is the capital"


def test_a_given_text_is_whole_or_cut() -> None:
    whole = fixed('{"a": 1}', PROMPT, Limits(2, 10), reasoning=False)
    assert ("".join(whole.content), whole.finish) == ('{"a": 1}', "stop")
    cut = fixed('{"a": 1}', PROMPT, Limits(2, 1), reasoning=False)
    assert ("".join(cut.content), cut.finish) == ('{"a"', "length")


def test_reasoning_comes_out_of_the_same_budget() -> None:
    answer = fixed("x" * 40, PROMPT, Limits(8, 6), reasoning=True)
    assert (len(answer.reasoning), len(answer.content), answer.finish) == (2, 4, "length")


def test_a_seed_and_an_id_decide() -> None:
    settings = Settings(failure_rate=0.3, stall_rate=0.3, seed=1)
    fates = [draw(settings, f"id-{n}") for n in range(2000)]
    assert fates == [draw(settings, f"id-{n}") for n in range(2000)]
    assert 0.25 < sum(fate.fails for fate in fates) / 2000 < 0.35
    assert 0.25 * 0.7 < sum(fate.stalls for fate in fates) / 2000 < 0.35 * 0.7
    assert not any(fate.fails and fate.stalls for fate in fates)
    assert fates != [draw(Settings(failure_rate=0.3, stall_rate=0.3, seed=2), f"id-{n}") for n in range(2000)]


@pytest.mark.parametrize(("rate", "expected"), [(0, {False}), (1, {True})])
def test_the_rates_0_and_1_are_certain(rate: float, expected: set[bool]) -> None:
    assert {draw(Settings(failure_rate=rate), str(n)).fails for n in range(50)} == expected
    assert {draw(Settings(stall_rate=rate), str(n)).stalls for n in range(50)} == expected


def test_gaps_are_the_settings_times() -> None:
    settings = Settings(time_to_first_token_ms=500, time_per_output_token_ms=20)
    fate = draw(settings, "id")
    assert gaps(settings, fate, 3) == pytest.approx([0.5, 0.02, 0.02])
    assert gaps(settings, fate, 3, prefilled=True) == pytest.approx([0.02, 0.02, 0.02])


def test_jitter_stays_within_its_share_and_repeats() -> None:
    settings = Settings(time_to_first_token_ms=100, time_per_output_token_ms=100, jitter=0.5)
    made = gaps(settings, draw(settings, "id"), 100)
    assert made == gaps(settings, draw(settings, "id"), 100)
    assert min(made) >= 0.05
    assert max(made) <= 0.15
    assert len(set(made)) > 90
