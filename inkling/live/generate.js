// generate.js: the model writes in the page, one token after the other, until it ends its text or
// the reader says stop.
import { announcer, button, field, frame, make, opener, percent, slider, table } from "./ui.js";
import { distribution, draw, randomNumbers } from "./sample.js";
import { softmax } from "./model.js";
import { visible } from "./bpe.js";

/** @import { Floats } from "./model.js" */
/** @import { Opened, Widget } from "./ui.js" */

/**
 * What Python sends; a token is its text and the model's own probability of it.
 * @typedef {object} Data
 * @property {string} prompt
 * @property {number} temperature
 * @property {number} top_k
 * @property {number} top_p
 * @property {number} max_new_tokens
 * @property {number} seed
 * @property {string} weights
 * @property {{ tokens: [string, number][], ended: boolean }} first
 */

/**
 * @param {Widget<Data>} widget
 * @param {HTMLElement} el
 */
export function generateFigure(widget, el) {
  const data = widget.get("data");
  const status = make(
    "p",
    { class: "ink-status" },
    "This text was written when the page was made. Press Start and the model writes here.",
  );
  const open = opener(widget, status);
  const summary = announcer();
  const output = make("div", {
    class: "ink-text",
    tabindex: 0,
    role: "region",
    "aria-label": "the text",
  });
  const tableHere = make("div", {
    class: "ink-scroll",
    tabindex: 0,
    role: "region",
    "aria-label": "table of tokens",
  });
  const input = make("textarea", { rows: 2, spellcheck: "false" });
  const seed = make("input", { type: "number", min: 0, step: 1 });
  const off = (/** @type {number} */ zero) => (/** @type {number} */ n) =>
    n === zero ? "off" : String(n);
  const temperature = slider({
    label: "Temperature",
    min: 0,
    max: 1.6,
    step: 0.1,
    value: data.temperature,
    format: (t) => (t === 0 ? "0 (always the likeliest)" : t.toFixed(1)),
  });
  const topK = slider({ label: "Top-k", min: 0, max: 50, value: data.top_k, format: off(0) });
  const topP = slider({
    label: "Top-p",
    min: 0.1,
    max: 1,
    step: 0.05,
    value: data.top_p,
    format: (p) => (p === 1 ? "off" : p.toFixed(2)),
  });
  const length = slider({
    label: "At most",
    min: 20,
    max: 240,
    step: 20,
    value: data.max_new_tokens,
    format: (n) => `${n} tokens`,
  });
  const start = button("Start", () => write()),
    stop = button(
      "Stop",
      () => {
        running = null;
      },
      { disabled: true },
    );
  const seedField = field("Seed", seed);
  seedField.classList.add("ink-short");
  /** @type {object | null} */
  let running = null; // the present run; another value, or null, ends it
  /** @type {[string, number][]} */
  let tokens = [];

  const details = make(
    "details",
    { ontoggle: () => list() },
    make("summary", {}, "Every token as a table"),
    tableHere,
  );

  frame(
    el,
    "The model writes",
    field("Begin with", input),
    make(
      "div",
      { class: "ink-row" },
      temperature.element,
      topK.element,
      topP.element,
      length.element,
    ),
    make(
      "div",
      { class: "ink-row" },
      seedField,
      start,
      stop,
      button("Next seed", () => {
        seed.value = String(Number(seed.value) + 1);
        write();
      }),
    ),
    output,
    make(
      "p",
      { class: "ink-note" },
      "The darker a token's ground, the less likely the model itself found it; under 10 % it is " +
        "underlined with dots.",
    ),
    summary.element,
    details,
    status,
  );
  input.value = data.prompt;
  seed.value = String(data.seed);
  for (const [text, p] of data.first.tokens) add(text, p, data.prompt);
  summary.say(`${tokens.length} tokens${data.first.ended ? "; the model ended its text" : ""}.`);

  /**
   * @param {string} text
   * @param {number} p
   * @param {string} prompt
   */
  function add(text, p, prompt) {
    if (tokens.length === 0) output.replaceChildren(make("b", {}, prompt));
    tokens.push([text, p]);
    output.append(
      make(
        "span",
        {
          class: p < 0.1 ? "ink-shaded ink-unlikely" : "ink-shaded",
          title: `${visible(text)} ${percent(p)}`,
          style: { "--ink-strength": `${Math.round(55 * Math.min(1, -Math.log2(p) / 8))}%` },
        },
        text,
      ),
    );
  }

  function list() {
    if (details.open)
      tableHere.replaceChildren(
        table(
          "Tokens in order; the probability is the model's own, at temperature 1",
          ["token", "probability"],
          tokens.map(([text, p]) => [visible(text), percent(p)]),
        ),
      );
  }

  async function write() {
    const run = (running = {});
    stop.disabled = false;
    // a disabled button would lose the focus to nowhere
    if (document.activeElement === start) stop.focus();
    start.disabled = true;
    const opened = await open();
    if (opened && running === run) await compose(opened, run);
    if (running !== run && running !== null) return; // a newer run has taken over the buttons
    running = null;
    start.disabled = false;
    if (document.activeElement === stop) start.focus();
    stop.disabled = true;
    list();
  }

  /**
   * @param {Opened} opened
   * @param {object} run
   */
  async function compose({ model, bpe, start: startId, encode }, run) {
    const prompt = input.value,
      count = length.value;
    const { ids } = encode(prompt, 1);
    const options = { temperature: temperature.value, topK: topK.value, topP: topP.value };
    const random = randomNumbers(Number(seed.value) || 0);
    const cache = model.newCache();
    tokens = [];
    output.replaceChildren(make("b", {}, prompt));
    const began = performance.now();
    let breath = began;
    let why = "the number of tokens asked for is reached";
    /** @type {Floats | null} */
    let logits = null; // without a start token and a prompt there are none
    for (const id of ids) logits = model.forward(id, cache);
    /** @type {number[]} */
    let pending = []; // ids whose bytes are not yet whole characters
    for (let i = 0; logits && i < count; i++) {
      const id = draw(distribution(logits, options), random);
      if (id === startId) {
        why = "the model ended its text";
        break;
      }
      pending.push(id);
      const text = bpe.decode(pending);
      if (!text.endsWith("\ufffd") || pending.length > 4) {
        add(text, softmax(logits)[id], prompt);
        pending = [];
      }
      if (cache.length >= model.config.context_length) {
        why = "the context is full";
        break;
      }
      logits = model.forward(id, cache);
      if (performance.now() - breath > 30) {
        // let the page draw and the Stop button work
        output.scrollTop = output.scrollHeight;
        await new Promise((resolve) => setTimeout(resolve));
        breath = performance.now();
        if (running !== run) {
          why = "stopped";
          break;
        }
      }
    }
    const seconds = (performance.now() - began) / 1000;
    if (running === run || running === null)
      summary.say(
        `${tokens.length} tokens, ` +
          `${Math.round((ids.length + tokens.length) / seconds)} a second: ${why}.`,
      );
  }
}
