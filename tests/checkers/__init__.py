"""Checks of what is deployed, by the clouds' own parsers and schemas where there are any.

They run in an environment of the dependency group ``deploy``: ``python -m checkers KIND FILE...``
prints a line for each problem and ends with 1 if there is one. Each module is a KIND and has
``problems(path)``.
"""
