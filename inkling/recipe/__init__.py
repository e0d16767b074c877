"""The recipe: the whole chain from raw text to an assistant that reads, by one command.

speedrun runs the stages (base_stage, assistant_stage, embedder_stage, reader_stage) by
a plan, each on a workbench that can be left at any moment; cards tell what they are
worth. The parts of the book know nothing of it.
"""
