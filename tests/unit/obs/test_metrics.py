"""The series of each LLMDeployment."""

from llm_operator.obs.metrics import Metrics

NAME = 'llm_operator_llmdeployment_ready{name="a",namespace="llm"}'


def test_ready_has_one_series_per_llmdeployment_until_it_is_forgotten() -> None:
    metrics = Metrics()
    metrics.set_ready("llm", "a", ready=False)
    metrics.set_ready("llm", "b", ready=True)
    assert f"{NAME} 0.0" in metrics.text().decode()
    metrics.set_ready("llm", "a", ready=True)
    assert f"{NAME} 1.0" in metrics.text().decode()
    metrics.forget("llm", "a")
    metrics.forget("llm", "unknown")
    assert NAME not in metrics.text().decode()
    assert 'name="b"' in metrics.text().decode()
