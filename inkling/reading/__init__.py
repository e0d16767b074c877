"""A model that reads: retrieval, and answers from what was found.

Chapters: retrieval, rag. Beside them: passages, bm25, vector_index and embedder (of
retrieval), shelves (the town's library), lessons (by which the model learns to read),
reading_exam, orders (what a document may command, and defences).
"""
