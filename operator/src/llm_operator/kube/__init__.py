"""Access to the Kubernetes API: a small Protocol, its implementation on the official client, typed errors."""
