"""Filmgate from the terminal, and for agents."""

__version__ = "0.1.0"
