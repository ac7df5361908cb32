"""`llm-operator run`: the operator itself."""

import sys


def run() -> int:
    """Exit status 2: the environment is wrong. Imports the control plane late: the other commands need none of it."""
    from llm_operator.kube import lean

    lean.install()
    from llm_operator.config import Config, ConfigError
    from llm_operator.main import run as run_operator

    try:
        config = Config.from_environment()
    except ConfigError as error:
        sys.stderr.write(f"llm-operator: {error}\n")
        return 2
    return run_operator(config)
