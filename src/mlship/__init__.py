"""mlship: a notebook becomes a running, proven prediction service and its page."""

__version__ = "0.1.0"
