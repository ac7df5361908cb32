"""The Ray Serve side of llm-operator; imports nothing from the operator. Their contract is the Serve configuration."""
