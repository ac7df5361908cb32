"""`python -m llm_serve_app.check`."""

import sys

from llm_serve_app.check.command import main

if __name__ == "__main__":
    sys.exit(main())
