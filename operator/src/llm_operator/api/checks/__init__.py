"""The cross-field checks, one module per part of the spec; twins of the CEL rules in `api/rules`, with the numbers said.

Each module has `check(path, model)` (or `check(spec)`), which yields every mistake that it finds.
"""
