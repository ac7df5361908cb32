"""The text models, trained once."""

from pathlib import Path

import pytest
from llm_serve_app.text_models.train import train


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both text models, trained here."""
    folder = tmp_path_factory.mktemp("models")
    train(folder)
    return folder
