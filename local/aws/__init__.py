"""The AWS on this machine: ministack in one process, patched where it differs from AWS.

`python -m local.aws` serves it. ministack is MIT licensed and is patched at run time only;
none of its code is in this repository.
"""
