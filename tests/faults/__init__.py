"""The fault table: every fault that a provider can cause, at every provider, over real sockets."""
