"""Settings from the environment."""

import pytest
from llm_operator.config import Config, ConfigError
from llm_operator.plan.inputs import Policy


def test_defaults_and_a_unique_identity() -> None:
    first, second = Config.from_environment({}), Config.from_environment({})
    assert first.identity != second.identity
    assert first.model_copy(update={"identity": "x"}) == second.model_copy(update={"identity": "x"})
    assert (first.namespaces, first.workers, first.resync_seconds, first.http_port) == ((), 16, 600, 8080)


def test_values_are_read() -> None:
    config = Config.from_environment(
        {
            "LLM_OPERATOR_NAMESPACES": "a, b,",
            "LLM_OPERATOR_LEADER_ELECTION": "False",
            "LLM_OPERATOR_WORKERS": "4",
            "LLM_OPERATOR_ALLOW_HOST_PATH": "true",
            "LLM_OPERATOR_ALLOW_REMOTE_CODE": "yes",
            "LLM_OPERATOR_APPLICATION_IMPORT_PATHS": "llm_serve_app, team.serving",
            "LLM_OPERATOR_LOG_LEVEL": "",
            # Kubernetes injects such for a Service named llm-operator.
            "LLM_OPERATOR_PORT": "tcp://10.0.0.1:80",
        }
    )
    assert (config.namespaces, config.leader_election, config.workers) == (("a", "b"), False, 4)
    assert config.policy == Policy(True, ("llm_serve_app", "team.serving"), True)


def test_nothing_is_allowed_unless_it_is_said() -> None:
    assert Config.from_environment({}).policy == Policy(False, ("llm_serve_app",), False)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("WORKERS", "0"),
        ("WORKERS", "many"),
        ("LOG_LEVEL", "LOUD"),
        ("LEADER_ELECTION", "maybe"),
        ("HTTP_PORT", "99999"),
        ("RESYNC_SECONDS", "-1"),
    ],
)
def test_errors_name_the_variable_and_its_value(variable: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"LLM_OPERATOR_{variable}='{value}'"):
        Config.from_environment({f"LLM_OPERATOR_{variable}": value})


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"LLM_OPERATOR_RENEW_DEADLINE_SECONDS": "20"}, "RENEW_DEADLINE_SECONDS < LLM_OPERATOR_LEASE_SECONDS"),
        ({"LLM_OPERATOR_BACKOFF_MIN_SECONDS": "5", "LLM_OPERATOR_BACKOFF_MAX_SECONDS": "2"}, "BACKOFF_MIN_SECONDS"),
    ],
)
def test_settings_must_fit_together(given: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        Config.from_environment(given)


def test_every_field_says_what_it_is_for() -> None:
    assert [name for name, field in Config.model_fields.items() if not field.description] == []
