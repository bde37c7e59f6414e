"""What callers get, as models: the counterpart of the views, which make the same as plain dicts.

The deployed functions import none of this: checking their own answers would cost every call time,
and the tests check every answer that they see.
"""
