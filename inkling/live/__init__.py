"""Figures that are alive: the same JavaScript in Jupyter (through anywidget) and on the
static site (through host.js).

Every figure is a `Figure`: it carries the name of the JavaScript function that draws it
and the data for its first state. Figures that run the model get its weights only when
the reader first needs them: from the kernel, by a message, or on the site from one
shared file. So neither a notebook nor a page ever holds a copy of the weights.

    from inkling.live import NextToken
    NextToken("Ada walked to the")

JavaScript is beside this file: model.js (the Transformer), bpe.js (the tokenizer),
sample.js, ui.js, and one file for each figure; host.js is what the site loads. Where
scripts are off, `fallback()` stands: plain HTML made in Python.
"""

from inkling.live.bundle import bundle
from inkling.live.data_figures import (
    NGramFigure,
    SpanLossFigure,
    TokenizerFigure,
    TrainingFigure,
)
from inkling.live.figure import Figure, ModelFigure
from inkling.live.model_figures import AttentionFigure, GenerateFigure, NextToken
from inkling.live.ranking_figure import RankingFigure
from inkling.live.search_figure import SearchFigure

__all__ = [
    "AttentionFigure",
    "Figure",
    "GenerateFigure",
    "ModelFigure",
    "NGramFigure",
    "NextToken",
    "RankingFigure",
    "SearchFigure",
    "SpanLossFigure",
    "TokenizerFigure",
    "TrainingFigure",
    "bundle",
]
