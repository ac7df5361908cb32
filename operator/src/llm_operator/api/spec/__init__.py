"""The LLMDeployment spec as pydantic models: only data, bounds, documentation, and what a change of a field costs.

One source: the CRD, the API reference and the validation of what reaches the operator are all made from here.
Rules that need more than one field are CEL rules (`api/rules`), attached here, and once more `api/checks`.
"""
