"""The model: attention, and the transformer that is built of it.

Chapters: attention, transformer. Beside them: llama_format, the folder that holds a
model.
"""
