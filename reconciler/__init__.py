"""Plan and apply for the AI marketing plans of many websites."""

__version__ = "0.1.0"
