"""The edge: watches, stores, the queue, the reconciler, the leader election and the loop around them."""
