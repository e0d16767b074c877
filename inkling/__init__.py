"""Inkling: a small large-language-model, built end to end.

A part of the book is a folder here, in the order text, model, training, assistant,
reading, real, closing. A chapter is a module with its page's name, which the page
teaches and quotes line for line; what only helps a chapter stands beside it. A module
imports only from its own part and from earlier ones. `files`, `progress`, `plots`,
`world` and `checkpoints` serve all; `recipe`, `live` and `labs` bring the parts
together.
"""

__version__ = "0.2.0"
