"""The stages of one sync, each a pure function of the Scope and of what earlier stages found; `sync.py` orders them."""
