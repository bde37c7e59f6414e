"""Mutation test of the money modules: small changes of the code that the tests must notice."""
