"""What the operator tells about itself: logs, metrics, health, Kubernetes events."""
