// ui.js: what the figures share: making elements, their look, and getting the model's weights.
// All text goes into the page as text, never as HTML.
import { Bpe } from "./bpe.js";
import { Model, Session } from "./model.js";

/**
 * What the figures use of an anywidget's model, the same in a notebook and with host.js. `data` is
 * what the figure's Python class sends.
 * @template Data
 * @typedef {object} Widget
 * @property {{ (name: "data"): Data, (name: "figure"): string }} get
 * @property {(event: string, callback: Receive) => void} on
 * @property {(event: string, callback: Receive) => void} off
 * @property {(message: object) => void} send
 */

/** @typedef {(message: { type?: string } | undefined, buffers: DataView[]) => void} Receive */

/**
 * Attributes of an element, and beside them: `on...` is a listener, `style` holds properties,
 * `value` and `checked` are set as properties; false and null take an attribute away.
 * @typedef {{ style?: Record<string, string | number>, [name: string]: Attribute }} Attributes
 */
/** @typedef {Listener | Record<string, string | number>} Objects */
/** @typedef {string | number | boolean | null | undefined | Objects} Attribute */
/** @typedef {(event: any) => void} Listener */

/** @typedef {Node | string} Child */
/** @typedef {Child | null | (Child | null)[]} Children */

/**
 * make("p", { class: "note", onclick: f }, "text", child, ...) -> element
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {...Children} children
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  set(element, attributes);
  // One by one: a browser takes only so many arguments in one call, and a text has more tokens.
  for (const child of children.flat().filter((child) => child !== null)) element.append(child);
  return element;
}

/**
 * @template {HTMLElement} Element
 * @param {Element} element
 * @param {Attributes} attributes
 */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") Object.assign(element, { [name]: value });
    else if (value === false || value === null || value === undefined)
      element.removeAttribute(name);
    else if (typeof value === "object")
      for (const [key, v] of Object.entries(value)) element.style.setProperty(key, String(v));
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  return element;
}

/**
 * The same, for SVG.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} attributes
 * @param {...(Child | Child[])} children
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  for (const child of children.flat()) element.append(child);
  return element;
}

let counter = 0;
export const newId = () => `inkling-${++counter}-${Math.random().toString(36).slice(2, 7)}`;

/**
 * The frame of a figure: a named group with a heading, the controls, the picture and a spoken
 * summary.
 * @param {HTMLElement} el
 * @param {string} title
 * @param {...(Child | null)} children
 */
export function frame(el, title, ...children) {
  addStyle(el);
  const heading = newId();
  // The last attribute keeps JupyterLab from taking arrow and letter keys for its own.
  const root = make(
    "div",
    {
      class: "inkling",
      role: "group",
      "aria-labelledby": heading,
      "data-lm-suppress-shortcuts": "true",
    },
    make("p", { class: "ink-title", id: heading }, title),
    children,
  );
  el.replaceChildren(root);
  return root;
}

/**
 * A labelled slider that shows its value. `format` turns the number into words for the eye and for
 * a screen reader.
 * @param {object} given
 * @param {string} given.label
 * @param {number} given.min
 * @param {number} given.max
 * @param {number} [given.step]
 * @param {number} given.value
 * @param {(value: number) => string} [given.format]
 * @param {(value: number) => void} [given.oninput]
 */
export function slider({ label, min, max, step = 1, value, format = String, oninput }) {
  const id = newId();
  const shown = make("output", { for: id });
  const input = make("input", { type: "range", id, min, max, step });
  const show = () => {
    shown.textContent = format(Number(input.value));
    input.setAttribute("aria-valuetext", shown.textContent);
  };
  input.value = String(value);
  input.addEventListener("input", () => {
    show();
    oninput?.(Number(input.value));
  });
  show();
  const element = make(
    "div",
    { class: "ink-control" },
    make("label", { for: id }, label, " ", shown),
    input,
  );
  return {
    element,
    input,
    get value() {
      return Number(input.value);
    },
    set value(number) {
      input.value = String(number);
      show();
    },
  };
}

/**
 * @param {string} label
 * @param {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} input
 */
export function field(label, input) {
  input.id = newId();
  return make("div", { class: "ink-control" }, make("label", { for: input.id }, label), input);
}

/**
 * @param {string} label
 * @param {[string | number, string][]} options
 * @param {string | number} value
 * @param {(value: string) => void} onchange
 */
export function select(label, options, value, onchange) {
  const input = make(
    "select",
    {},
    options.map(([key, text]) => make("option", { value: key }, text)),
  );
  input.value = String(value);
  input.addEventListener("change", () => onchange(input.value));
  return { element: field(label, input), input };
}

/**
 * @param {string} text
 * @param {Listener} onclick
 * @param {Attributes} attributes
 */
export const button = (text, onclick, attributes = {}) =>
  make("button", { type: "button", onclick, ...attributes }, text);

// A summary that screen readers speak, once things are quiet for a moment.
export function announcer() {
  const element = make("p", { class: "ink-summary", "aria-live": "polite" });
  /** @type {number | undefined} */
  let timer;
  return {
    element,
    /** @param {string} text */
    say(text, wait = 250) {
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (element.textContent !== text) element.textContent = text;
      }, wait);
    },
  };
}

/**
 * rows of cells -> a plain table; numbers stand at the right
 * @param {string} caption
 * @param {string[]} head
 * @param {(string | number)[][]} rows
 */
export function table(caption, head, rows) {
  const isNumber = /^[<\d][\d.,\s%]*$/;
  const cell = (/** @type {string | number} */ value) =>
    make("td", isNumber.test(String(value)) ? { class: "ink-number" } : {}, String(value));
  return make(
    "table",
    { class: "ink-table" },
    make("caption", {}, caption),
    make(
      "thead",
      {},
      make(
        "tr",
        {},
        head.map((text) => make("th", { scope: "col" }, text)),
      ),
    ),
    make(
      "tbody",
      {},
      rows.map((row) => make("tr", {}, row.map(cell))),
    ),
  );
}

/**
 * Bars for probabilities, each a button; p is from 0 to 1, and `name` is what is spoken.
 * @param {HTMLElement} list
 * @param {{ label: string, name: string, p: number, pick: () => void }[]} rows
 */
export function showBars(list, rows) {
  const focused = [...list.children].findIndex((row) => row.contains(document.activeElement));
  list.replaceChildren(
    ...rows.map(({ label, name, p, pick }) =>
      make(
        "li",
        {},
        make(
          "button",
          {
            type: "button",
            class: "ink-bar",
            onclick: pick,
            "aria-label": `${name}, ${percent(p)}`,
          },
          make("span", {}, label),
          make("span", { class: "ink-track" }, make("span", { style: { width: `${100 * p}%` } })),
          make("span", {}, percent(p)),
        ),
      ),
    ),
  );
  if (focused >= 0)
    list.children[Math.min(focused, rows.length - 1)]?.querySelector("button")?.focus();
}

/**
 * A row of tokens that the mouse, a finger or the arrow keys can walk over; one stop for the Tab
 * key.
 * @param {object} given
 * @param {string} given.name
 * @param {string[]} given.labels what each shows
 * @param {(i: number) => Attributes} [given.attributes] more for its button
 * @param {(i: number) => void} given.onpick it has been reached
 * @param {number} [given.chosen]
 * @param {string} [given.className]
 */
export function strip({
  name,
  labels,
  attributes = () => ({}),
  onpick,
  chosen = 0,
  className = "ink-tokens",
}) {
  /** @type {number | null} */
  let current = null;
  // A mouse that lies still while the page scrolls under it enters tokens, too, and must not take
  // over from the keys.
  const moved = (/** @type {number} */ i) => (/** @type {PointerEvent} */ event) => {
    if (i !== current && (event.movementX || event.movementY)) reach(i);
  };
  // Spans and not buttons, so that a long text breaks into lines as a text does.
  const buttons = labels.map((label, i) =>
    make(
      "span",
      {
        role: "button",
        class: "ink-token",
        tabindex: i === chosen ? 0 : -1,
        onfocus: () => reach(i),
        onpointermove: moved(i),
        ...attributes(i), // these may change the class
      },
      label,
    ),
  );
  const reach = (/** @type {number} */ i) => {
    current = i;
    for (const [j, other] of buttons.entries())
      set(other, { tabindex: i === j ? 0 : -1, "aria-current": i === j ? "true" : null });
    onpick(i);
  };
  /** @type {Record<string, number>} */
  const steps = {
    ArrowLeft: -1,
    ArrowUp: -1,
    ArrowRight: 1,
    ArrowDown: 1,
    Home: -Infinity,
    End: Infinity,
  };
  const keys = (/** @type {KeyboardEvent} */ event) => {
    const step = steps[event.key];
    const at = buttons.findIndex((one) => one === document.activeElement);
    if (step === undefined || at < 0) return;
    event.preventDefault();
    buttons[Math.max(0, Math.min(buttons.length - 1, at + step))].focus();
  };
  const element = make(
    "div",
    { class: className, role: "group", "aria-label": `${name}; arrow keys move`, onkeydown: keys },
    buttons,
  );
  return { element, buttons };
}

export const percent = (/** @type {number} */ p) =>
  p >= 0.0995 || p === 0
    ? `${Math.round(p * 100)}\u00a0%`
    : p >= 0.0005
      ? `${(p * 100).toFixed(1)}\u00a0%`
      : "<\u00a00.1\u00a0%";

/**
 * Let a new text settle before computing anything.
 * @param {() => void} action
 */
export function debounce(action, wait = 200) {
  /** @type {number | undefined} */
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(() => action(), wait);
  };
}

// -- the model ------------------------------------------------------------------------------------
// On the site the weights come from one file that all pages share; in a notebook the kernel sends
// them. Either way only when the reader first does something that needs them, and only once.

/** @typedef {Widget<{ weights: string }>} ModelWidget */

/** @type {Record<string, Promise<{ model: Model, bpe: Bpe }>>} */
const loading = {};

/** @param {ModelWidget} widget */
export function loadModel(widget) {
  const name = widget.get("data").weights;
  loading[name] ??= readWeights(widget, name)
    .then((bytes) => {
      const model = new Model(bytes);
      return { model, bpe: new Bpe(model.tokenizer) };
    })
    .catch((error) => {
      delete loading[name];
      throw error;
    });
  return loading[name];
}

/**
 * @param {ModelWidget} widget
 * @param {string} name
 * @returns {Promise<Uint8Array>}
 */
function readWeights(widget, name) {
  if (globalThis.InklingHost) return globalThis.InklingHost.weights(name);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error("no answer from the kernel: run the cell again")),
      120000,
    );
    /** @type {Receive} */
    const receive = (message, buffers) => {
      if (message?.type !== "weights") return;
      clearTimeout(timer);
      widget.off("msg:custom", receive);
      const part = buffers[0];
      resolve(new Uint8Array(part.buffer ?? part, part.byteOffset ?? 0, part.byteLength));
    };
    widget.on("msg:custom", receive);
    widget.send({ type: "weights" });
  });
}

/** @typedef {Awaited<ReturnType<typeof open>>} Opened */

/**
 * What a figure with a model needs: an asynchronous function that loads the model at its first call
 * and gives { model, bpe, session, start, encode }, or null if that failed; the status line says
 * what is going on.
 * @param {ModelWidget} widget
 * @param {HTMLElement} status
 */
export function opener(widget, status) {
  /** @type {Promise<Opened | null> | null} */
  let opened = null;
  return () =>
    (opened ??= open(widget, status).catch((error) => {
      opened = null; // the next try may work
      status.textContent = `The model could not be loaded: ${error.message}.`;
      return null;
    }));
}

/**
 * @param {ModelWidget} widget
 * @param {HTMLElement} status
 */
async function open(widget, status) {
  status.textContent = "Loading the model …";
  const { model, bpe } = await loadModel(widget);
  const { n_layers, n_heads, context_length } = model.config;
  status.textContent =
    `The model runs in this page: ${n_layers} layers, ${n_heads} heads, ` +
    `a context of ${context_length} tokens, weights rounded to 8 bits.`;
  // every document in training began after this token
  const start = model.tokenizer.specials?.["<|endoftext|>"];
  return {
    model,
    bpe,
    start,
    session: new Session(model),
    // The ids of a text, the start token in front; if it outgrows the context less `room`, only its
    // end.
    encode: (/** @type {string} */ text, room = 0) => {
      const ids = bpe.encode(text);
      const kept = ids.slice(Math.max(0, ids.length + 1 + room - context_length));
      return { ids: start === undefined ? kept : [start, ...kept], cut: kept.length < ids.length };
    },
  };
}

// -- the look -------------------------------------------------------------------------------------

/** @param {HTMLElement} el */
export function addStyle(el) {
  const root = el.getRootNode();
  const home = root instanceof ShadowRoot ? root : document.head;
  if (home.querySelector("style[data-inkling]")) return;
  home.append(make("style", { "data-inkling": true }, STYLE));
}

const DARK = `
  --ink-text: #e6e6e6; --ink-soft: #a9b0b8; --ink-line: #6b7480; --ink-paper: #1c2128;
  --ink-raised: #2a313a; --ink-accent: #6cb8ee; --ink-bar: #2f6f9f; --ink-warm: #f0a35c;
  --ink-mix: 53%; --ink-depth: 0.6; --ink-1: #0072b2; --ink-2: #e69f00; --ink-3: #009e73;
  --ink-4: #cc79a7; --ink-5: #d55e00; --ink-6: #56b4e9; color-scheme: dark;`;

// Shades are mixed so that text on them keeps a contrast of 4.5 or more in both schemes;
// --ink-depth is for the dark one.
const STYLE = `
.inkling {
  --ink-text: #1f2328; --ink-soft: #57606a; --ink-line: #8b949e; --ink-paper: #ffffff;
  --ink-raised: #eff2f5; --ink-accent: #0a5c94; --ink-bar: #9ccbee; --ink-warm: #a04a00;
  --ink-mix: 26%; --ink-depth: 1; --ink-1: #0072b2; --ink-2: #e69f00; --ink-3: #009e73;
  --ink-4: #cc79a7; --ink-5: #d55e00; --ink-6: #56b4e9; color: var(--ink-text);
  background: var(--ink-paper); border: 1px solid var(--ink-line); border-radius: 8px;
  padding: 0.8rem 1rem; margin: 0.6rem 0; font-size: 0.95rem; line-height: 1.45;
  color-scheme: light; box-sizing: border-box; max-width: 100%; overflow-wrap: anywhere;
}
html[data-theme="dark"] .inkling, html[theme="dark"] .inkling,
body[data-jp-theme-light="false"] .inkling, body.vscode-dark .inkling { ${DARK} }
.inkling *, .inkling *::before { box-sizing: border-box; }
.inkling p { margin: 0.35rem 0; color: inherit; }
.inkling .ink-title { font-weight: 650; margin-top: 0; }
.inkling .ink-note, .inkling .ink-status { color: var(--ink-soft); font-size: 0.86rem; }
.inkling .ink-summary {
  border-left: 3px solid var(--ink-accent); padding-left: 0.6rem; min-height: 1.45em;
}
.inkling .ink-row {
  display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: end; margin: 0.5rem 0;
}
.inkling .ink-control { flex: 1 1 9rem; min-width: 0; margin: 0.25rem 0; }
.inkling .ink-control.ink-wide { flex-basis: 100%; }
.inkling label { display: block; font-size: 0.86rem; margin-bottom: 0.15rem; }
.inkling output { font-weight: 600; font-variant-numeric: tabular-nums; }
.inkling input:not([type="checkbox"]):not([type="radio"]), .inkling textarea, .inkling select {
  width: 100%; font: inherit; color: var(--ink-text); background: var(--ink-paper);
}
.inkling input[type="number"], .inkling input[type="text"], .inkling textarea, .inkling select {
  border: 1px solid var(--ink-line); border-radius: 5px; padding: 0.3rem 0.45rem;
}
.inkling input[type="range"] {
  accent-color: var(--ink-accent); padding: 0; margin: 0.2rem 0; min-height: 24px;
  background: transparent;
}
.inkling textarea, .inkling .ink-text {
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 0.9rem;
}
.inkling button {
  font: inherit; color: var(--ink-text); background: var(--ink-raised);
  border: 1px solid var(--ink-line); border-radius: 5px; padding: 0.3rem 0.7rem; min-height: 28px;
  cursor: pointer;
}
.inkling button:hover:not(:disabled) { border-color: var(--ink-accent); }
.inkling button:disabled { opacity: 0.55; cursor: default; }
.inkling :is(button, input, textarea, select, summary, [tabindex]):focus-visible {
  outline: 3px solid var(--ink-accent); outline-offset: 1px;
}
.inkling .ink-bars { list-style: none; margin: 0.5rem 0; padding: 0; }
.inkling .ink-bars li { margin: 0.2rem 0; }
.inkling .ink-bars li::marker { content: ""; }
.inkling .ink-bar {
  display: grid; grid-template-columns: minmax(6.5rem, 25%) 1fr 4rem; gap: 0.5rem; width: 100%;
  align-items: center; text-align: left; padding: 0.1rem 0.5rem;
}
.inkling .ink-bar > :first-child { overflow: hidden; text-overflow: ellipsis; white-space: pre; }
.inkling .ink-bar > :last-child { text-align: right; font-variant-numeric: tabular-nums; }
.inkling .ink-track { height: 0.8rem; border-radius: 3px; display: block; }
.inkling .ink-track > span {
  display: block; height: 100%; border-radius: 3px; background: var(--ink-bar);
  border-right: 3px solid var(--ink-accent); transition: width 0.15s;
}
.inkling [aria-current] { outline: 3px solid var(--ink-accent); }
.inkling .ink-bar, .inkling .ink-token {
  white-space: pre-wrap; font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  font-size: 0.88rem;
}
.inkling .ink-tokens {
  display: flex; flex-wrap: wrap; gap: 3px; margin: 0.5rem 0; padding: 0; list-style: none;
}
.inkling .ink-token {
  display: inline-block; border: 1px solid var(--ink-line); border-radius: 4px;
  padding: 0.05rem 0.25rem; color: var(--ink-text); min-height: 0;
  background: color-mix(in srgb,
    var(--ink-shade, transparent) calc(var(--ink-strength, var(--ink-mix)) * var(--ink-depth)),
    var(--ink-paper));
}
.inkling .ink-text {
  border: 1px solid var(--ink-line); border-radius: 5px; padding: 0.5rem; min-height: 4.5em;
  max-height: 20rem; overflow: auto; white-space: pre-wrap; line-height: 1.7;
}
.inkling .ink-text .ink-shaded {
  background: color-mix(in srgb,
    var(--ink-shade) calc(var(--ink-strength) * var(--ink-depth)), transparent);
  border-radius: 3px;
}
.inkling .ink-text .ink-shaded { --ink-shade: var(--ink-warm); }
.inkling .ink-unlikely { border-bottom: 2px dotted var(--ink-warm); }
.inkling .ink-spans { line-height: 2; }
.inkling .ink-short { flex: 0 1 7rem; }
.inkling .ink-span:focus-visible, .inkling .ink-token:focus-visible { outline-offset: 0; }
.inkling .ink-span {
  padding: 0.15em 0;
  background: color-mix(in srgb,
    var(--ink-shade) calc(var(--ink-strength) * var(--ink-depth)), transparent);
}
.inkling .ink-key {
  display: inline-flex; align-items: center; min-height: 24px; gap: 0.3rem; font-size: 0.9rem;
  margin: 0;
}
.inkling .ink-legend { gap: 0.3rem 1.2rem; }
.inkling .ink-later { border-style: dashed; opacity: 0.6; }
.inkling .ink-maps {
  display: grid; grid-template-columns: repeat(var(--ink-columns), minmax(0, 6.5rem)); gap: 6px;
}
.inkling .ink-map { padding: 3px; display: block; font-size: 0.8rem; text-align: center; }
.inkling .ink-map[aria-pressed="true"] { outline: 3px solid var(--ink-accent); font-weight: 700; }
.inkling .ink-map canvas {
  width: 100%; aspect-ratio: 1; image-rendering: pixelated; display: block;
  background: var(--ink-paper);
}
.inkling .ink-table {
  border-collapse: collapse; overflow-wrap: normal; font-size: 0.86rem; margin: 0.4rem 0;
  color: inherit;
}
.inkling .ink-table caption {
  text-align: left; color: var(--ink-soft); caption-side: top; padding: 0.2rem 0;
}
.inkling .ink-table th, .inkling .ink-table td {
  border-bottom: 1px solid var(--ink-line); padding: 0.15rem 0.6rem 0.15rem 0; text-align: left;
  color: inherit; background: none;
}
.inkling .ink-table .ink-number { text-align: right; font-variant-numeric: tabular-nums; }
.inkling .ink-scroll { overflow: auto; max-height: 18rem; }
.inkling summary { cursor: pointer; min-height: 24px; display: list-item; }
.inkling details { margin: 0.4rem 0; }
.inkling svg { max-width: 100%; height: auto; display: block; }
.inkling svg text { fill: var(--ink-text); font-size: 12px; }
@media (max-width: 480px) {
  .inkling { padding: 0.6rem; }
  .inkling .ink-bar { grid-template-columns: 6rem 1fr 3.6rem; gap: 0.3rem; }
}
@media (prefers-reduced-motion: reduce) {
  .inkling * { transition: none !important; animation: none !important; }
}
`;
