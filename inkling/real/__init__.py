"""The real model: SmolLM2 in the reader's own code, quantised, and answering from this
book.

Chapters: pretrained, quantise, book_search. Beside them: fetch, gguf (of pretrained),
book_text, myst_text and injection (of book_search: an experiment).
"""
