// attention.js: choose a head, point at a token, see where it looks.
import {
  announcer,
  debounce,
  field,
  frame,
  make,
  opener,
  percent,
  select,
  set,
  showBars,
  strip,
} from "./ui.js";
import { spoken, visible } from "./bpe.js";

/** @import { Widget } from "./ui.js" */
/** @import { Floats } from "./model.js" */

/**
 * What Python sends; `weights` are bytes in base64.
 * @typedef {object} Data
 * @property {string} text
 * @property {number} layer
 * @property {number} head
 * @property {number} max_tokens
 * @property {string} weights
 * @property {{ tokens: string[], n_layers: number, n_heads: number, weights: string }} first
 */

/**
 * What is drawn, computed by Python or here.
 * @typedef {object} Shown
 * @property {string[]} labels
 * @property {number} n_layers
 * @property {number} n_heads
 * @property {(layer: number, head: number, from: number, to: number) => number} weight
 */

/**
 * @param {Widget<Data>} widget
 * @param {HTMLElement} el
 */
export function attentionFigure(widget, el) {
  const { text, layer, head, first, max_tokens } = widget.get("data");
  let state = { layer, head, at: 0 };
  let turn = {}; // of the newest text to compute
  /** @type {Shown} */
  let shown;
  /** @type {HTMLElement[]} */
  let buttons = []; // one for each token

  const input = make("textarea", {
    rows: 2,
    spellcheck: "false",
    oninput: debounce(() => compute(), 400),
  });
  const status = make(
    "p",
    { class: "ink-status" },
    "These weights were computed when the page was made. Change the text and the model itself " +
      "loads.",
  );
  const summary = announcer();
  const bars = make("ol", {
    class: "ink-bars",
    "aria-label": "where the chosen token looks, most first",
  });
  const place = make("div"),
    maps = make("div", { class: "ink-maps", role: "group", "aria-label": "all heads" });
  const layers = select("Layer", numbers(first.n_layers), layer, (value) =>
    choose(Number(value), state.head),
  );
  const heads = select("Head", numbers(first.n_heads), head, (value) =>
    choose(state.layer, Number(value)),
  );
  const open = opener(widget, status);
  frame(
    el,
    "Where does each token look?",
    field("Text", input),
    make("div", { class: "ink-row" }, layers.element, heads.element),
    make(
      "p",
      { class: "ink-note" },
      "Point at a token, or move with the arrow keys. The darker a token before it, the more the " +
        "chosen head looks there.",
    ),
    place,
    summary.element,
    bars,
    make(
      "details",
      { open: true },
      make("summary", {}, "All heads at a glance"),
      make(
        "p",
        { class: "ink-note" },
        "One square for each head: rows are the tokens that look, columns the tokens they look " +
          "at. Choose one.",
      ),
      maps,
    ),
    status,
  );
  input.value = text;
  const stored = Uint8Array.from(atob(first.weights), (letter) => letter.charCodeAt(0));
  const size = first.tokens.length;
  show({
    labels: first.tokens,
    n_layers: first.n_layers,
    n_heads: first.n_heads,
    // one byte for each weight; rows of a triangle, since no token looks ahead
    weight: (l, h, from, to) =>
      stored[((l * first.n_heads + h) * size * (size + 1)) / 2 + (from * (from + 1)) / 2 + to] /
      255,
  });

  async function compute() {
    const opened = await open();
    if (!opened) return;
    const { model, bpe, encode } = opened;
    const all = encode(input.value).ids;
    const ids = all.slice(0, max_tokens);
    const cache = model.newCache();
    /** @type {Floats[][]} */
    const rows = []; // rows[from][layer]: the weights of one token, head by head
    const mine = (turn = {});
    for (const id of ids) {
      /** @type {Floats[]} */
      const watch = [];
      model.forward(id, cache, watch);
      rows.push(watch);
      if (rows.length % 8 === 0) await new Promise((resolve) => setTimeout(resolve));
      if (turn !== mine) return; // a newer text is on its way
    }
    show(
      {
        labels: ids.map((id) => bpe.decode([id])),
        n_layers: model.config.n_layers,
        n_heads: model.config.n_heads,
        weight: (l, h, from, to) => rows[from][l][h * (from + 1) + to],
      },
      all.length > ids.length ? `Only the first ${max_tokens} tokens are shown.` : "",
    );
  }

  /** @param {Shown} next */
  function show(next, note = "") {
    shown = next;
    state.at = shown.labels.length - 1;
    const tokens = strip({
      name: "tokens",
      labels: shown.labels.map(visible),
      chosen: state.at,
      onpick: (i) => {
        state.at = i;
        look();
      },
      attributes: (i) => ({ "aria-label": spoken(shown.labels[i]) }),
    });
    place.replaceChildren(tokens.element);
    buttons = tokens.buttons;
    drawMaps();
    look(note);
  }

  /**
   * @param {number} l
   * @param {number} h
   */
  function choose(l, h) {
    state = { ...state, layer: l, head: h };
    layers.input.value = String(l);
    heads.input.value = String(h);
    for (const map of maps.querySelectorAll("button"))
      set(map, { "aria-pressed": map.dataset.key === `${l},${h}` ? "true" : "false" });
    look();
  }

  // Colour the tokens for the chosen one, and say in words what is seen.
  function look(note = "") {
    const { layer: l, head: h, at } = state;
    const row = Array.from({ length: at + 1 }, (_, to) => shown.weight(l, h, at, to));
    buttons.forEach((token, i) =>
      set(token, {
        style: {
          "--ink-shade": "var(--ink-2)",
          "--ink-strength": `${i <= at ? Math.round(80 * row[i]) : 0}%`,
        },
        "aria-current": i === at ? "true" : null,
        class: i > at ? "ink-token ink-later" : "ink-token",
        "aria-label":
          spoken(shown.labels[i]) + (i <= at ? `, ${percent(row[i])}` : ", comes later"),
      }),
    );
    const order = row
      .map((_, i) => i)
      .sort((a, b) => row[b] - row[a])
      .slice(0, 5);
    showBars(
      bars,
      order.map((i) => ({
        label: `${i + 1} ${visible(shown.labels[i])}`,
        name: `token ${i + 1}, ${spoken(shown.labels[i])}`,
        p: row[i],
        pick: () => buttons[i].focus(),
      })),
    );
    const name = (/** @type {number} */ i) =>
      i === at ? "itself" : `${spoken(shown.labels[i])} (${distance(at - i)})`;
    const most = order.slice(0, 3).map((i) => `${name(i)} ${percent(row[i])}`);
    summary.say(
      `Layer ${l}, head ${h}: token ${at + 1}, ${spoken(shown.labels[at])}, looks most at ` +
        `${most.join(", ")}. ${note}`,
    );
  }

  function drawMaps() {
    const n = shown.labels.length;
    const drawn = [];
    for (let l = 0; l < shown.n_layers; l++)
      for (let h = 0; h < shown.n_heads; h++) {
        const canvas = make("canvas", { width: n, height: n, "aria-hidden": "true" });
        const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
        const image = context.createImageData(n, n);
        for (let from = 0; from < n; from++)
          for (let to = 0; to <= from; to++) {
            const strength = Math.min(1, 0.06 + Math.sqrt(shown.weight(l, h, from, to)));
            image.data.set([230, 140, 0, Math.round(255 * strength)], 4 * (from * n + to));
          }
        context.putImageData(image, 0, 0);
        drawn.push(
          make(
            "button",
            {
              type: "button",
              class: "ink-map",
              "data-key": `${l},${h}`,
              "aria-label": `layer ${l}, head ${h}`,
              "aria-pressed": l === state.layer && h === state.head ? "true" : "false",
              onclick: () => choose(l, h),
            },
            canvas,
            make("span", {}, `${l}·${h}`),
          ),
        );
      }
    maps.style.setProperty("--ink-columns", String(shown.n_heads));
    maps.replaceChildren(...drawn);
  }
}

/**
 * @param {number} count
 * @returns {[number, string][]}
 */
const numbers = (count) => Array.from({ length: count }, (_, i) => [i, String(i)]);
const distance = (/** @type {number} */ back) => (back === 1 ? "one back" : `${back} back`);
