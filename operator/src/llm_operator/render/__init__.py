"""Plan → objects, byte-deterministic (the 32 rules). Pure. Tests: tests/golden, tests/unit/render."""
