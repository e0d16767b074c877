// ngram.js: the oldest language model: count what followed the last few tokens, then draw from the
// counts.
import { announcer, button, field, frame, make, percent, showBars, slider } from "./ui.js";
import { spoken, visible } from "./bpe.js";
import { randomNumbers } from "./sample.js";

// what stands around every sequence; neither occurs in a text
const START = "\u0002";
const END = "\u0003";

/** @typedef {Map<string, Map<string, number>>} Counts context -> next token -> how often */

/**
 * The counts for contexts of `length` tokens.
 * @param {Iterable<string[]>} sequences
 * @param {number} length
 */
export function countContexts(sequences, length) {
  /** @type {Counts} */
  const counts = new Map();
  for (const sequence of sequences) {
    const padded = [...Array(length).fill(START), ...sequence, END];
    for (let i = length; i < padded.length; i++) {
      const context = padded.slice(i - length, i).join("\u0001");
      /** @type {Map<string, number>} */
      const next = counts.get(context) ?? new Map();
      counts.set(context, next);
      next.set(padded[i], (next.get(padded[i]) ?? 0) + 1);
    }
  }
  return counts;
}

/**
 * What followed the longest ending of `tokens` that was ever seen, and how long that ending is.
 * @param {(length: number) => Counts} tables
 * @param {string[]} tokens
 * @param {number} longest
 */
export function continuations(tables, tokens, longest) {
  for (let length = longest; ; length--) {
    const padded = [...Array(length).fill(START), ...tokens];
    const next = tables(length).get(padded.slice(padded.length - length).join("\u0001"));
    if (next) return { used: length, next, total: [...next.values()].reduce((a, b) => a + b, 0) };
  }
}

/** @import { Widget } from "./ui.js" */

/**
 * What Python sends; `joiner` stands between the tokens of a text.
 * @typedef {object} Data
 * @property {string[]} texts
 * @property {number} order
 * @property {number} max_order
 * @property {string} joiner
 * @property {string[]} start
 * @property {number} seed
 */

/**
 * @param {Widget<Data>} widget
 * @param {HTMLElement} el
 */
export function ngramFigure(widget, el) {
  const { texts, order, max_order, joiner, start, seed } = widget.get("data");
  // joined, they take half the room
  const sequences = texts.map((text) => (joiner ? text.split(joiner) : [...text]));
  /** @type {Record<number, Counts>} */
  const made = {};
  const tables = (/** @type {number} */ length) =>
    (made[length] ??= countContexts(sequences, length));
  const random = randomNumbers(seed);
  const unit = joiner ? "words" : "letters";
  let tokens = start.slice();

  const shown = make("div", {
    class: "ink-text",
    tabindex: 0,
    role: "region",
    "aria-label": "text so far",
  });
  const bars = make("ol", {
    class: "ink-bars",
    "aria-label": "what followed in the counted text, most often first",
  });
  const summary = announcer();
  const note = make("p", { class: "ink-note" });
  const typed = make("input", { type: "text", spellcheck: "false", autocomplete: "off" });
  const use = () => {
    tokens = joiner ? typed.value.split(joiner).filter(Boolean) : [...typed.value];
    refresh();
  };
  typed.addEventListener("change", use);
  const orders = slider({
    label: "Order",
    min: 1,
    max: max_order,
    value: order,
    oninput: () => refresh(),
    format: (n) =>
      n === 1
        ? "1: looks at nothing before"
        : n === 2
          ? `2: looks at one ${unit.slice(0, -1)} before`
          : `${n}: looks at ${n - 1} ${unit} before`,
  });
  frame(
    el,
    "A language model made of counts",
    field(joiner ? "Begin with (words with spaces between)" : "Begin with", typed),
    orders.element,
    make(
      "div",
      { class: "ink-row" },
      button(`Write 20 ${unit}`, () => write(20)),
      button("Write one", () => write(1)),
      button("Undo", () => {
        tokens.pop();
        refresh();
      }),
      button("Start again", () => {
        tokens = start.slice();
        typed.value = start.join(joiner);
        refresh();
      }),
    ),
    shown,
    bars,
    summary.element,
    note,
  );
  typed.value = start.join(joiner);
  refresh();

  function now() {
    return continuations(tables, tokens.at(-1) === END ? [] : tokens, orders.value - 1);
  }

  /** @param {string} token */
  function append(token) {
    if (tokens.at(-1) === END) tokens = []; // after an end comes a new beginning
    tokens.push(token);
  }

  /** @param {number} count */
  function write(count) {
    for (let i = 0; i < count; i++) {
      const { next, total } = now();
      let left = random() * total;
      for (const [token, times] of next) {
        left -= times;
        if (left < 0) {
          append(token);
          break;
        }
      }
      if (tokens.at(-1) === END) break;
    }
    refresh();
  }

  function refresh() {
    const { used, next, total } = now();
    const ended = tokens.at(-1) === END;
    const body = ended ? tokens.slice(0, -1) : tokens;
    const split = body.length - (ended ? 0 : Math.min(used, body.length));
    // The part that the model looks at is underlined.
    shown.replaceChildren(
      body.slice(0, split).join(joiner) + (split && split < body.length ? joiner : ""),
      make("u", {}, body.slice(split).join(joiner)),
      ended ? " (the end)" : body.length ? "" : "(nothing yet)",
    );
    const rows = [...next].sort((a, b) => b[1] - a[1]).slice(0, 8);
    const name = (/** @type {string} */ token) => (token === END ? "the end" : spoken(token));
    showBars(
      bars,
      rows.map(([token, times]) => ({
        label: token === END ? "(end)" : visible(token),
        name: `append ${name(token)}, seen ${times} times`,
        p: times / total,
        pick: () => {
          append(token);
          refresh();
        },
      })),
    );
    const wanted = orders.value - 1;
    const seen = Math.min(used, body.length); // at the beginning there is less to look at
    const after =
      ended || (used > 0 && body.length === 0)
        ? "At the beginning of a text"
        : used === 0
          ? "Anywhere"
          : seen === 1
            ? `After the last ${unit.slice(0, -1)}`
            : `After the last ${seen} ${unit}`;
    summary.say(
      `${after}: ${next.size} different continuations in ${total} places; ` +
        `most often ${name(rows[0][0])}, ${percent(rows[0][1] / total)}.` +
        (used < wanted
          ? ` The last ${wanted} were never seen together, so the model falls back to ${used}.`
          : ""),
    );
    const table = tables(wanted);
    const single = [...table.values()].filter((n) => n.size === 1).length;
    note.textContent =
      `Order ${orders.value}: ${table.size.toLocaleString("en")} different contexts; ` +
      `${percent(single / table.size)} of them have only one continuation.`;
  }
}
