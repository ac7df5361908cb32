"""A fake API server for fleets: thousands of objects and requests a second, in a process of its own."""
