"""Children beside the RayService: what is wanted, and what of it has to be written."""

from llm_operator.render.children.changes import changes, conflict
from llm_operator.render.children.wanted import children, stamped

__all__ = ["changes", "children", "conflict", "stamped"]
