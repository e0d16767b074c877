"""The end: what a language model is and is not.

Chapters: limits, and journey, which has no module of its own.
"""
