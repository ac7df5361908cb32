"""What was observed → status: one function per condition, Ready is the summary. Pure. Tests: tests/unit/status, golden."""
