"""Load a saved model and ask it the rows of a file, in the Python that has its libraries.

Like the recorder, this package is run by *another* interpreter (Python 3.9 or newer): it takes the
standard library, and imports pandas, numpy and the model's own library only when it needs them.
"""
