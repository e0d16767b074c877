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

/** @import { Widget } from "./ui.js" */

/**
 * Each figure knows the data of its own Python class; here they are only handed on.
 * @type {Record<string, (widget: Widget<any>, el: HTMLElement) => void>}
 */
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
  /** @param {{ model: Widget<unknown>, el: HTMLElement }} given */
  render({ model, el }) {
    FIGURES[model.get("figure")](model, el);
  },
};
