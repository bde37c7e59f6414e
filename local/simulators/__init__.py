"""One fake server for all providers: the vendors' wire protocols, drawn results, scripted faults.

Start it with `python -m local.simulators`. Provider X answers under `/X` followed by the vendor's
own path; `/__sim/…` is the control side (ledger, faults, pace, reset). Nothing here is deployed.

Adding a provider: write one module that ends in `PROVIDER = Provider(...)` (see `world.py`) and
name it in `registry.py`. The ledger, faults, jobs and drawing are shared.
"""
