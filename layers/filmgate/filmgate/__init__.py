"""Filmgate: the generation gateway of an AI film studio."""

__version__ = "0.1.0"
