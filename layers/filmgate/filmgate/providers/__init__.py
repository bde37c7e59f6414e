"""What providers are and how they are spoken to.

catalogue.toml and rates/*.toml are data; each built provider has one module named after its id,
which ends in `ADAPTER = <Class>`. To add one: that module, its catalogue table, its prices.
"""
