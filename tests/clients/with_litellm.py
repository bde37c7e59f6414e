"""litellm, in an environment of its own: makes an image as JSON tells it, and prints JSON."""

import base64
import hashlib
import json
import sys

import litellm

asked = json.loads(sys.argv[1])
made = litellm.image_generation(
    prompt=asked["prompt"],
    model=f"openai/{asked['model']}",
    size="1536x864",
    api_base=asked["url"],
    api_key=asked["token"],
)
picture = base64.b64decode(made.data[0].b64_json)
print(json.dumps({"sha256": hashlib.sha256(picture).hexdigest()}))
