"""Everything that runs the product on one machine. Nothing in here is deployed.

The tools in here import the product from its layers, as the functions do.
"""

import sys
from pathlib import Path

for layer in ("filmgate", "media"):
    place = str(Path(__file__).resolve().parent.parent / "layers" / layer)
    if place not in sys.path:
        sys.path.insert(0, place)
