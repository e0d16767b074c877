// spans.js: how much each token of a text surprised the model (or where two models differ), and
// what kind of choice it was.
import { announcer, frame, make, percent, strip, table } from "./ui.js";
import { spoken } from "./bpe.js";

// Every kind has a colour and, for those who do not see colours, a line of its own under its
// tokens.
/** @type {Record<string, [number, string]>} */
const STYLES = {
  grammar: [1, "solid"],
  fact: [2, "double"],
  copy: [3, "dashed"],
  free: [4, "dotted"],
};

// What the bits of a token are, in the words of the figure.
const SURPRISE = {
  note: "The stronger a token's colour, the more it surprised the model.",
  caption: "Surprise by kind",
  greatest: "The greatest surprise is",
  said: (/** @type {number} */ bits) => ` (the model gave it ${percent(2 ** -bits)})`,
};
/** @type {Record<string, typeof SURPRISE>} */
const MEASURES = {
  surprise: SURPRISE,
  kl: {
    note: "The stronger a token's colour, the farther the two models are apart at its place.",
    caption: "KL divergence by kind",
    greatest: "They are farthest apart at",
    said: () => " of KL divergence",
  },
  context: {
    note:
      "The stronger a token's colour, the more what stands before it changes what the model " +
      "expects at its place.",
    caption: "KL divergence by kind",
    greatest: "It changes most at",
    said: () => " of KL divergence",
  },
};

/** @import { Widget } from "./ui.js" */

/**
 * What Python sends: a token is its text, its bits and its kind; bounds and names are by kind.
 * @typedef {object} Data
 * @property {[string, number, string][]} tokens
 * @property {Record<string, number> | null} bounds
 * @property {string} title
 * @property {Record<string, string>} names
 * @property {string} measure
 */

/**
 * @param {Widget<Data>} widget
 * @param {HTMLElement} el
 */
export function spanLossFigure(widget, el) {
  const { tokens, bounds, title, names, measure } = widget.get("data");
  const words = MEASURES[measure] ?? SURPRISE;
  const summary = announcer();
  const kinds = [...new Set(tokens.map(([, , kind]) => kind))].sort();
  const style = (/** @type {string} */ kind) =>
    STYLES[kind] ?? [5 + (kinds.indexOf(kind) % 2), "solid"];
  /** @type {Set<string>} */
  const hidden = new Set();
  /** @type {Record<string, number>} */
  const total = {};
  /** @type {Record<string, number>} */
  const count = {};
  for (const [, bits, kind] of tokens) {
    total[kind] = (total[kind] ?? 0) + bits;
    count[kind] = (count[kind] ?? 0) + 1;
  }
  const text = strip({
    name: "tokens",
    className: "ink-text ink-spans",
    labels: tokens.map(([piece]) => piece.replaceAll("\n", "⏎\n")),
    chosen: 0,
    onpick: (i) => describe(i),
    attributes: (i) => ({
      class: "ink-span",
      "aria-label": `${spoken(tokens[i][0])}, ${tokens[i][1].toFixed(1)} bits, ${tokens[i][2]}`,
    }),
  });
  const legend = kinds.map((kind) => {
    const box = make("input", {
      type: "checkbox",
      checked: true,
      onchange: () => {
        box.checked ? hidden.delete(kind) : hidden.add(kind);
        shade();
      },
    });
    return make(
      "label",
      { class: "ink-key" },
      box,
      " ",
      make(
        "span",
        { style: { "border-bottom": `3px ${style(kind)[1]} var(--ink-${style(kind)[0]})` } },
        names[kind] ?? kind,
      ),
    );
  });
  const sum = (/** @type {Record<string, number>} */ values) =>
    Object.values(values).reduce((a, b) => a + b, 0);
  const head = ["kind", "tokens", "bits", ...(bounds ? ["bits of the source"] : [])];
  /**
   * @param {string} name
   * @param {number} n
   * @param {number} bits
   * @param {number} bound
   */
  const row = (name, n, bits, bound) => [
    name,
    n,
    bits.toFixed(1),
    ...(bounds ? [bound.toFixed(1)] : []),
  ];
  frame(
    el,
    title,
    make(
      "div",
      { class: "ink-row ink-legend", role: "group", "aria-label": "kinds of choice" },
      legend,
    ),
    text.element,
    make(
      "p",
      { class: "ink-note" },
      `${words.note} Point at a token, or move with the arrow keys.`,
    ),
    summary.element,
    table(words.caption, head, [
      ...kinds.map((kind) =>
        row(names[kind] ?? kind, count[kind], total[kind], bounds?.[kind] ?? 0),
      ),
      row("together", tokens.length, sum(total), bounds ? sum(bounds) : 0),
    ]),
  );
  shade();
  const most = tokens.reduce((best, token, i) => (token[1] > tokens[best][1] ? i : best), 0);
  summary.say(
    `${tokens.length} tokens, ${sum(total).toFixed(0)} bits. ` +
      `${words.greatest} ${spoken(tokens[most][0])}, ${tokens[most][1].toFixed(1)} bits.`,
  );

  function shade() {
    text.buttons.forEach((button, i) => {
      const [, bits, kind] = tokens[i];
      const off = hidden.has(kind);
      const [colour, line] = style(kind);
      button.style.setProperty("--ink-shade", `var(--ink-${colour})`);
      button.style.setProperty(
        "--ink-strength",
        `${off ? 0 : Math.round(75 * Math.min(1, bits / 8))}%`,
      );
      button.style.borderBottom = off
        ? "3px solid transparent"
        : `3px ${line} var(--ink-${colour})`;
    });
  }

  /** @param {number} i */
  function describe(i) {
    const [piece, bits, kind] = tokens[i];
    summary.say(
      `${spoken(piece)}: ${bits.toFixed(2)} bits${words.said(bits)}; kind: ${names[kind] ?? kind}.`,
      60,
    );
  }
}
