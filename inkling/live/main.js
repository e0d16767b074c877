// main.js: one entry for all figures; the widget's `figure` says which one to draw.
import { nextToken } from "./next_token.js";
import { ngramFigure } from "./ngram.js";
import { tokenizerFigure } from "./tokenizer.js";
import { attentionFigure } from "./attention.js";
import { generateFigure } from "./generate.js";
import { trainingFigure } from "./training.js";
import { spanLossFigure } from "./spans.js";
import { searchFigure } from "./search.js";
import { rankingFigure } from "./ranking.js";

const FIGURES = {
  NextToken: nextToken,
  NGramFigure: ngramFigure,
  TokenizerFigure: tokenizerFigure,
  AttentionFigure: attentionFigure,
  GenerateFigure: generateFigure,
  TrainingFigure: trainingFigure,
  SpanLossFigure: spanLossFigure,
  SearchFigure: searchFigure,
  RankingFigure: rankingFigure,
};

export const InklingLive = {
  render({ model, el }) {
    FIGURES[model.get("figure")](model, el);
  },
};
