"""The small models: what they learn, on texts that they were not trained on; the same files each time."""

from pathlib import Path

import pytest
from llm_serve_app.text_models import sentiment, summary
from llm_serve_app.text_models.sentiment import SentimentModel
from llm_serve_app.text_models.summary import SummaryModel
from llm_serve_app.text_models.train import examples, main, train
from llm_serve_app.text_models.words import clean, sentences

UNSEEN = [
    (True, "The screen is excellent and the keyboard is a pleasure."),
    (True, "I enjoyed the wonderful evening."),
    (True, "A delicious dinner and friendly waiters."),
    (True, "quick, reliable and easy"),
    (True, "She was happy with the result"),
    (True, "I love it"),
    (False, "Terrible service, rude people."),
    (False, "The battery is weak and the sound is awful."),
    (False, "This is not good."),
    (False, "The release is slow and crashes."),
    (False, "broken, dirty and late"),
    (False, "They were disappointed and angry"),
]


def test_sentiment_of_texts_that_it_has_not_seen(models: Path) -> None:
    model, seen = SentimentModel.load(models), {text for _, text in examples()}
    assert not seen & {text for _, text in UNSEEN}
    scores = model.scores([text for _, text in UNSEEN])
    assert [score > 0 for score in scores] == [positive for positive, _ in UNSEEN]
    assert all(abs(score) < 1 for score in scores)
    assert abs(model.scores(["zzz qqq"])[0]) < 0.05  # nothing is known about it


def test_a_batch_is_the_same_as_one_by_one(models: Path) -> None:
    model = SentimentModel.load(models)
    texts = [text for _, text in UNSEEN]
    assert model.scores(texts) == pytest.approx([model.scores([text])[0] for text in texts])


def test_training_is_deterministic_and_needs_the_labels(models: Path, tmp_path: Path) -> None:
    assert train(tmp_path) >= 0.99
    for name in (sentiment.FILE, summary.FILE):
        assert (tmp_path / name).read_bytes() == (models / name).read_bytes()
    pairs = examples()
    turned = sentiment.fit([text for _, text in pairs], [label == "negative" for label, _ in pairs])
    assert turned.scores(["excellent"])[0] < 0 < SentimentModel.load(models).scores(["excellent"])[0]


def test_training_says_how_it_is_called(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
    assert main([str(tmp_path)]) == 0
    assert "100.0% of the examples right" in capsys.readouterr().out


def test_summary_takes_the_sentences_that_are_like_the_others(models: Path) -> None:
    model = SummaryModel.load(models)
    text = [
        "The new reservoir will store water for the northern towns.",
        "Lunch was served at noon.",
        "Engineers say the reservoir holds water for two dry years.",
        "A dog barked.",
        "The towns had asked for more water since the dry years.",
    ]
    assert set(model.summarise(text, 3)) == {text[0], text[2], text[4]}
    assert model.summarise(text, 3) == [text[0], text[2], text[4]]  # in their own order
    assert model.summarise(text, 9) == text
    assert model.weight("the") < model.weight("friendly") < model.weight("reservoir")  # rare words say more


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One. Two! Three? four", ["One.", "Two!", "Three? four"]),
        ("It costs 3.50 dollars. Good.", ["It costs 3.50 dollars.", "Good."]),
        ("", []),
    ],
)
def test_sentences(text: str, parts: list[str]) -> None:
    assert sentences(clean(text)) == parts


def test_clean() -> None:
    assert clean("It\u2019s\u00a0 a\n test \ufb01") == "It's a test fi"
