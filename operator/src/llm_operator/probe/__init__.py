"""Asks the running models whether they answer, and their metrics whether they make tokens. I/O; the results are plain data."""
