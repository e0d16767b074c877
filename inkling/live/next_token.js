// next_token.js: type a text, see what the model expects next, click a token to append it.
import {
  announcer,
  button,
  debounce,
  field,
  frame,
  make,
  opener,
  percent,
  showBars,
  slider,
} from "./ui.js";
import { distribution, draw, entropyBits, randomNumbers } from "./sample.js";
import { spoken, visible } from "./bpe.js";

/** @import { Bpe } from "./bpe.js" */
/** @import { Floats } from "./model.js" */
/** @import { Widget } from "./ui.js" */

/** @typedef {[text: string, probability: number, id: number]} Token */

/**
 * What Python sends, with the most likely tokens first.
 * @typedef {object} Data
 * @property {string} prompt
 * @property {number} temperature
 * @property {number} top
 * @property {number} seed
 * @property {string} weights
 * @property {{ tokens: Token[], entropy: number } | null} first
 */

/**
 * @param {Widget<Data>} widget
 * @param {HTMLElement} el
 */
export function nextToken(widget, el) {
  const { prompt, temperature, top, seed, first } = widget.get("data");
  const status = make(
    "p",
    { class: "ink-status" },
    "These bars were computed when the page was made. Change anything and the model itself loads.",
  );
  const summary = announcer();
  const bars = make("ol", { class: "ink-bars", "aria-label": "most likely next tokens" });
  const text = make("textarea", {
    rows: 2,
    spellcheck: "false",
    oninput: debounce(() => refresh()),
  });
  const heat = slider({
    label: "Temperature",
    min: 0.1,
    max: 2,
    step: 0.1,
    value: temperature,
    format: (t) => t.toFixed(1),
    oninput: () => refresh(),
  });
  const random = randomNumbers(seed);
  /** @type {string[]} */
  let added = []; // texts that clicks appended, for Undo
  const open = opener(widget, status);
  /** @type {{ probabilities: Floats, bpe: Bpe } | null} */
  let current = null;

  frame(
    el,
    "What comes next?",
    field("Text so far", text),
    make(
      "div",
      { class: "ink-row" },
      heat.element,
      button("Draw a token", () => pick(null)),
      button("Undo", () => {
        const last = added.pop();
        if (last && text.value.endsWith(last)) text.value = text.value.slice(0, -last.length);
        refresh();
      }),
      button("Start again", () => {
        text.value = prompt;
        added = [];
        refresh();
      }),
    ),
    bars,
    summary.element,
    status,
  );
  text.value = prompt;
  if (first) show(first.tokens, first.entropy);
  else refresh();

  async function refresh() {
    const opened = await open();
    if (!opened) return null;
    const { bpe, session, encode } = opened;
    const { ids, cut } = encode(text.value);
    const logits = await session.logits(ids);
    if (!logits) return null; // a newer text is on its way
    const probabilities = distribution(logits, { temperature: heat.value });
    current = { probabilities, bpe };
    const order = Array.from(probabilities.keys())
      .sort((a, b) => probabilities[b] - probabilities[a])
      .slice(0, top);
    show(
      order.map((id) => [bpe.decode([id]), probabilities[id], id]),
      entropyBits(probabilities),
      cut,
    );
    return current;
  }

  /**
   * Append the token `id`, or, without one, a token drawn from the distribution that the bars show.
   * @param {number | null} id
   */
  async function pick(id) {
    const shown = current ?? (await refresh());
    if (!shown) return;
    const appended = shown.bpe.decode([id ?? draw(shown.probabilities, random)]);
    added.push(appended);
    text.value += appended;
    await refresh();
  }

  /**
   * @param {Token[]} tokens the most likely first
   * @param {number} entropy
   */
  function show(tokens, entropy, cut = false) {
    showBars(
      bars,
      tokens.map(([token, p, id]) => ({
        label: visible(token),
        name: `append ${spoken(token)}`,
        p,
        pick: () => pick(id),
      })),
    );
    summary.say(
      `Most likely: ${spoken(tokens[0][0])}, ${percent(tokens[0][1])}. ` +
        `Uncertainty (entropy): ${entropy.toFixed(2)} bits, ` +
        `as if choosing among ${(2 ** entropy).toFixed(1)} equally likely tokens.` +
        (cut ? " The text is longer than the context: its beginning is cut off." : ""),
    );
  }
}
