"""CEL rules: what the API server refuses at `kubectl apply` and a single field's bounds cannot say.

Each has its twin in `api/checks`, for objects that the operator reads without an API server (`render`) or that were stored
before a rule existed. Tests: tests/apiserver/refused.yaml at a real API server.
"""
