"""The outside world: the table, the buckets, the secrets, and the network."""
