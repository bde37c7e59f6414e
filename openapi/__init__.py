"""The description of the HTTP API: OpenAPI 3.1, made from the models that check the requests, from
models of every answer, and from a list of operations. Nothing of it is deployed but its document.

`python -m openapi` writes functions/studio/static/openapi.json.
"""
