"""The LLMDeployment API: types, names, conditions, checks and the CRD made from them. Imports nothing but pydantic."""
