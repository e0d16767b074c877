"""Inkling: a small large-language-model, built end to end.

A part of the book is a folder here, in the order text, model, training, assistant,
reading, real, closing. A chapter is a module with its page's name, which the page
teaches and quotes line for line; what only helps a chapter stands beside it. A module
imports only from its own part and from earlier ones. `files`, `progress`, `plots`,
`world` and `checkpoints` serve all; `recipe`, `live` and `labs` bring the parts
together.

Importing it changes one thing of the process: where nothing is said of
OMP_WAIT_POLICY, it is "PASSIVE".
"""

import os

# Threads that wait for one another sleep. Spinning, they make a step of training four
# times as expensive as soon as the machine has something else to do. OpenMP reads it
# once, when torch is loaded, so it must be set before.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.2.0"
