"""Small real language models that need no hub and no GPU: trained from examples in this package (see train.py)."""
