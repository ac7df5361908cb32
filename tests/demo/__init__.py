"""`python -m demo`: from a running local cluster to a model's answer, and what a person can try next.

`demo.forward` and `demo.follow` serve the end-to-end tests too.
"""
