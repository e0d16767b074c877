"""Text: counting words, cleaning a crawl, and cutting text into tokens.

Chapters: ngram, corpus, tokenizer. Beside them: readers, web_pages, cleaning and
duplicates (of corpus), bpe and tokenizer_json (of tokenizer).
"""
