"""The recipe: the whole chain from raw text to an assistant that reads, by one command.

speedrun runs the stages (assistant_stage, embedder_stage, reader_stage); cards tell
what they are worth. The parts of the book know nothing of it.
"""
