// tokenizer.js: type a text, watch the merges put its bytes together.
import { announcer, button, debounce, field, frame, make, slider, strip, table } from "./ui.js";
import { Bpe, hexadecimal, spoken } from "./bpe.js";

/** @import { Tables } from "./model.js" */
/** @import { Widget } from "./ui.js" */

/** @typedef {{ text: string, merges: Tables["merges"], start: number }} Data what Python sends */

// So many tokens are shown, of a text that somebody pasted; each is an element of the page.
const SHOWN = 2000;

/**
 * @param {Widget<Data>} widget
 * @param {HTMLElement} el
 */
export function tokenizerFigure(widget, el) {
  const { text, merges, start } = widget.get("data");
  const bpe = new Bpe({ merges });
  const input = make("textarea", {
    rows: 3,
    spellcheck: "false",
    oninput: debounce(() => refresh(), 60),
  });
  const summary = announcer();
  const detail = make("p", { class: "ink-note" });
  const place = make("div");
  const tableHere = make("div", {
    class: "ink-scroll",
    tabindex: 0,
    role: "region",
    "aria-label": "table of tokens",
  });
  const step = make("p", { class: "ink-note" });
  const used = slider({
    label: "Merges in use",
    min: 0,
    max: merges.length,
    value: start,
    oninput: () => refresh(),
    format: (n) => `${n} of ${merges.length}`,
  });
  const jump = (/** @type {number} */ direction) => {
    const next = neighbour(direction);
    if (next !== null) used.value = next;
    refresh();
  };
  const back = button("◀ One step back", () => jump(-1));
  const forward = button("One step on ▶", () => jump(1));
  frame(
    el,
    "From bytes to tokens",
    field("Text", input),
    used.element,
    make(
      "div",
      { class: "ink-row" },
      back,
      forward,
      button("All merges", () => {
        used.value = merges.length;
        refresh();
      }),
      button("Only bytes", () => {
        used.value = 0;
        refresh();
      }),
    ),
    step,
    place,
    detail,
    summary.element,
    make("details", {}, make("summary", {}, "Every token as a table"), tableHere),
  );
  input.value = text;
  refresh();

  /**
   * A step: the nearest merge, before or after the slider's place, that changes this very text.
   * @param {number} direction
   */
  function neighbour(direction) {
    const now = bpe.encode(input.value, used.value).length;
    // The number of tokens never grows with more merges, so the place where it changes can be found
    // by halving.
    let low = direction > 0 ? used.value : 0;
    let high = direction > 0 ? merges.length : used.value;
    const differs = (/** @type {number} */ limit) => bpe.encode(input.value, limit).length !== now;
    if (!differs(direction > 0 ? high : low)) return null;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (differs(middle) === direction > 0) high = middle;
      else low = middle;
    }
    return direction > 0 ? high : low;
  }

  function refresh() {
    const ids = bpe.encode(input.value, used.value);
    const focused =
      document.activeElement?.closest?.(".ink-tokens") && place.contains(document.activeElement);
    const tokens = strip({
      name: "tokens",
      labels: ids.slice(0, SHOWN).map((id) => bpe.label(id)),
      onpick: (i) => describe(ids[i]),
      attributes: (i) => ({
        style: { "--ink-shade": `var(--ink-${1 + (i % 6)})` },
        "aria-label": name(ids[i]),
      }),
    });
    place.replaceChildren(
      tokens.element,
      ids.length > SHOWN
        ? make("p", { class: "ink-note" }, `These are the first ${SHOWN} tokens of the text.`)
        : "",
    );
    if (focused) tokens.buttons[0]?.focus();
    detail.textContent =
      "Point at a token, or move to it with the arrow keys, to see its id and bytes.";
    const bytes = new TextEncoder().encode(input.value).length;
    summary.say(
      ids.length === 0
        ? "No text, no tokens."
        : `${ids.length} tokens for ${bytes} bytes: ` +
            `${(bytes / ids.length).toFixed(2)} bytes a token.`,
    );
    const last = merges[used.value - 1];
    step.textContent = last
      ? `Merge ${used.value}: ${spokenBytes(last[0])} + ${spokenBytes(last[1])} → ` +
        `${spokenBytes(last[2])} (id ${last[2]})`
      : "No merge in use: every byte is a token of its own.";
    tableHere.replaceChildren(
      table(
        "Tokens in order",
        ["token", "id", "bytes", "in hexadecimal"],
        ids
          .slice(0, 400)
          .map((id) => [bpe.label(id), id, bpe.bytes[id].length, hexadecimal(bpe.bytes[id])]),
      ),
    );
    back.disabled = neighbour(-1) === null;
    forward.disabled = neighbour(1) === null;
  }

  /** @param {number} id */
  function spokenBytes(id) {
    return spoken(bpe.label(id));
  }

  /** @param {number} id */
  function name(id) {
    return `${spokenBytes(id)}, id ${id}`;
  }

  /** @param {number} id */
  function describe(id) {
    const { length } = bpe.bytes[id];
    detail.textContent =
      `${spokenBytes(id)}: id ${id}, ${length} ${length === 1 ? "byte" : "bytes"} ` +
      `(${hexadecimal(bpe.bytes[id])}).` +
      (id < 256
        ? " A single byte."
        : ` Made by merge ${1 + merges.findIndex((merge) => merge[2] === id)}.`);
  }
}
