"""hypothesis: the same examples in every run, nothing written into the work tree."""

from hypothesis import settings

settings.register_profile("repo", derandomize=True, database=None, deadline=None)
settings.load_profile("repo")
