"""A deterministic simulation of the money core: the real use cases, a false world, one seed."""
