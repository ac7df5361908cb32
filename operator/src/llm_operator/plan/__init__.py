"""From a typed spec to a plan: sizes, resources, names, images. Pure; imports only `api`. Tests: tests/unit/plan, tests/golden."""
