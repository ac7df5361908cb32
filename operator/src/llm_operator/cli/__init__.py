"""The commands of `llm-operator`, one module each: arguments in, text out, exit status back. No decision is made here."""
