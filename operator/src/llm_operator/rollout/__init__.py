"""How a change reaches what runs: the way that is chosen, what is tried again, when it has failed, what to go back to. Pure."""
