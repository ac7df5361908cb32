"""Is there room for a Ray cluster: what its pods ask of nodes, and what of these is free. Pure."""
