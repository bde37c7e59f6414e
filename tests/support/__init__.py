"""Builders, fakes that fulfil the ports, and the memory studio. No test lives here."""
