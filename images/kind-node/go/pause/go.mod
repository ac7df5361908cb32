module llm-operator.io/images/kind-node/pause

go 1.24.0
