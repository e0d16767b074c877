"""Training and use: pre-training, generation, evaluation.

Chapters: pretrain, generate, evaluate. Beside them: optim, packing and savepoint (of
pretrain), engines (of generate: what runs a model while it writes), span_loss and
novelty (of evaluate).
"""
