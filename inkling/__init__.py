"""Inkling: a small large-language-model, built end to end.

One module for each chapter of the book; the chapter teaches it and quotes it line for
line.
"""

__version__ = "0.1.0"
