"""Filmgate's media layer: what a file really is, and camera moves over a still.

Importing the package imports neither Pillow nor FFmpeg; `inspect` and `flow` do so when called.
"""

from filmgate_media.errors import UnusableMedia

__all__ = ["UnusableMedia"]
