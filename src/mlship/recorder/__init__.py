"""Run a notebook's cells, statement by statement, and record what its models learned from.

This package is run by the *notebook's* interpreter (Python 3.9 or newer), which knows nothing of
mlship's own dependencies: it takes the standard library and what the notebook itself imports,
and only once the notebook has imported it.
"""
