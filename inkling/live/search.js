// search.js: search a small library by words as the reader types (BM25, as inkling/reading/bm25.py
// counts it), and see what each word adds.
import { announcer, button, debounce, field, frame, make, set, slider, table } from "./ui.js";

// The scripts that put no space between words: there a letter is a word, and so is a pair of them.
const UNSPACED =
  "\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\u30fc" +
  "\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}";
// Letters and digits of all scripts, with the marks above and below them.
const WORD = /[\p{L}\p{N}_][\p{L}\p{N}\p{M}_]*/gu;
const RUN = new RegExp(`(?:[${UNSPACED}]\\p{M}*)+|[^${UNSPACED}]+`, "gu");
const LETTER = new RegExp(`[${UNSPACED}]\\p{M}*`, "gu");
// In a text as it stands, before folding: one such letter, or a word of other scripts.
const PIECE = new RegExp(
  `[${UNSPACED}]\\p{M}*|` +
    `[\\p{L}\\p{N}_](?:(?![${UNSPACED}])[\\p{L}\\p{N}\\p{M}_\u00ad\u200c\u200d])*`,
  "gu",
);

/** @import { Widget } from "./ui.js" */

/**
 * A text as it is compared, as Python's `folded` makes it. JavaScript has no case folding; capitals
 * and back is the same, but for a few letters.
 * @param {string} text
 */
function folded(text) {
  return text
    .replace(/[\u00ad\u200c\u200d]+/g, "")
    .replace(/([\p{M}\uff9e\uff9f]{30})[\p{M}\uff9e\uff9f]+/gu, "$1")
    .normalize("NFKC")
    .replace(/[^\u0131\p{sc=Cherokee}]+/gu, (part) => part.toUpperCase().toLowerCase())
    .replace(/\p{sc=Cherokee}+/gu, (part) => part.toUpperCase())
    .replaceAll("ς", "σ")
    .replaceAll("ß", "ss")
    .normalize("NFKC");
}

/**
 * @param {string} text
 * @param {Set<string>} stop
 */
export function wordsOf(text, stop) {
  /** @type {string[]} */
  const found = [];
  for (const word of folded(text).match(WORD) ?? []) {
    for (const run of word.match(RUN) ?? []) {
      const letters = run.match(LETTER);
      if (letters === null) found.push(run);
      else {
        for (const letter of letters) found.push(letter);
        for (let i = 0; i + 1 < letters.length; i++) found.push(letters[i] + letters[i + 1]);
      }
    }
  }
  return found.filter((word) => !stop.has(word));
}

/**
 * Where the words of a question stand in a text: [start, end, which word], in order. Of letters
 * without spaces a pair comes before its parts.
 * @param {string} text
 * @param {string[]} asked
 * @param {Set<string>} stop
 * @returns {[number, number, number][]}
 */
export function placesOf(text, asked, stop) {
  const pieces = [...text.matchAll(PIECE)].map(({ 0: piece, index }) => ({ piece, index }));
  const pair = (/** @type {number} */ i) => {
    const [a, b] = [pieces[i], pieces[i + 1]];
    if (!a || !b || a.index + a.piece.length !== b.index) return [];
    return wordsOf(a.piece + b.piece, stop).slice(2);
  };
  /** @type {[number, number, number][]} */
  const found = [];
  pieces.forEach(({ piece, index }, i) => {
    for (const word of [...pair(i - 1), ...pair(i), ...wordsOf(piece, stop)]) {
      const which = asked.indexOf(word);
      if (which < 0) continue;
      found.push([index, index + piece.length, which]);
      return;
    }
  });
  return found;
}

/**
 * What can be counted before a question comes: how often each text has each word, and how many
 * texts have it.
 * @param {string[]} texts
 * @param {Set<string>} stop
 */
export function wordIndex(texts, stop) {
  /** @type {Map<string, number>[]} */
  const counts = [];
  /** @type {number[]} */
  const lengths = [];
  /** @type {Map<string, number>} */
  const having = new Map();
  for (const text of texts) {
    const words = wordsOf(text, stop);
    /** @type {Map<string, number>} */
    const found = new Map();
    for (const word of words) found.set(word, (found.get(word) ?? 0) + 1);
    for (const word of found.keys()) having.set(word, (having.get(word) ?? 0) + 1);
    counts.push(found);
    lengths.push(words.length);
  }
  return {
    stop,
    counts,
    lengths,
    having,
    average: lengths.reduce((a, b) => a + b, 0) / texts.length || 1,
  };
}

/**
 * A word of a question: in how many texts it is, its weight, how often it was asked, and what it
 * adds to each text.
 * @typedef {{ word: string, n: number, idf: number, times: number, adds: Float32Array }} Asked
 */

/**
 * For a question: the score of every text, the places of those that have one (best first, of equal
 * ones the first), and its words with what each adds to each text. Python adds numbers of 32 bits,
 * so that is done here, too.
 * @param {ReturnType<typeof wordIndex>} index
 * @param {string} question
 * @param {number} k1
 * @param {number} b
 */
export function searchWords({ stop, counts, lengths, having, average }, question, k1, b) {
  const scores = new Float32Array(counts.length);
  /** @type {Map<string, Asked>} */
  const asked = new Map();
  for (const word of wordsOf(question, stop)) {
    const n = having.get(word) ?? 0;
    const idf = Math.log(1 + (counts.length - n + 0.5) / (n + 0.5));
    const adds = new Float32Array(counts.length);
    const entry = asked.get(word) ?? { word, n, idf, times: 0, adds };
    asked.set(word, entry);
    entry.times += 1;
    counts.forEach((found, i) => {
      const tf = found.get(word);
      if (tf === undefined) return;
      const share = Math.fround((idf * tf) / (tf + k1 * (1 - b + (b * lengths[i]) / average)));
      scores[i] += share;
      entry.adds[i] += share;
    });
  }
  const places = [...scores.keys()]
    .filter((i) => scores[i] > 0)
    .sort((i, j) => scores[j] - scores[i] || i - j);
  return { scores, places, asked: [...asked.values()] };
}

/**
 * What Python sends. A passage is its name, its text and its source; `answers` are the places of
 * the passages that answer an example, `meaning` the places found by meaning, with their cosines.
 * @typedef {object} Data
 * @property {[string, string, string][]} passages
 * @property {string[]} stop_words
 * @property {{ text: string, answers: number[], meaning: [number, number][] }[]} examples
 * @property {number} k
 * @property {number} k1
 * @property {number} b
 * @property {string} title
 */

/**
 * @param {Widget<Data>} widget
 * @param {HTMLElement} el
 */
export function searchFigure(widget, el) {
  const { passages, stop_words, examples, k, k1, b, title } = widget.get("data");
  const index = wordIndex(
    passages.map(([name, text]) => (name ? `${name}\n${text}` : text)),
    new Set(stop_words),
  );
  const typed = make("input", {
    type: "text",
    spellcheck: "false",
    autocomplete: "off",
    maxlength: 300,
    value: examples[0].text,
  });
  typed.addEventListener("input", debounce(refresh, 150));
  const colour = (/** @type {number} */ i) => `var(--ink-${(i % 6) + 1})`;
  const list = (/** @type {string} */ name, /** @type {HTMLElement[]} */ items) =>
    make("ol", { class: "ink-bars", "aria-label": name }, items);
  const ask = (/** @type {string} */ text) => {
    typed.value = text;
    refresh();
  };
  const buttons = examples.map(({ text }) => button(text, () => ask(text)));
  /**
   * @param {string} label
   * @param {number} max
   * @param {number} value
   */
  const dial = (label, max, value) =>
    slider({
      label,
      min: 0,
      max,
      step: 0.05,
      value,
      format: (v) => v.toFixed(2),
      oninput: refresh,
    });
  const soon = dial("How long repeats go on counting, k1:", 3, k1);
  const long = dial("How much length is held against a passage, b:", 1, b);
  const back = button("First settings", () => {
    soon.value = k1;
    long.value = b;
    refresh();
  });
  const summary = announcer();
  const [rarity, byWords, byMeaning] = [make("div"), make("div"), make("div")];
  const numbers = make("div", {
    class: "ink-scroll",
    tabindex: 0,
    role: "region",
    "aria-label": "table of scores",
  });
  const column = (/** @type {string} */ name, /** @type {HTMLElement} */ place) =>
    make(
      "div",
      { style: { flex: "1 1 15rem", "min-width": 0 } },
      make("p", {}, make("b", {}, name)),
      place,
    );
  frame(
    el,
    title,
    field("Your question", typed),
    make("div", { class: "ink-row", role: "group", "aria-label": "example questions" }, buttons),
    make("div", { class: "ink-row" }, soon.element, long.element, back),
    summary.element,
    rarity,
    make(
      "div",
      { class: "ink-row", style: { "align-items": "start" } },
      column("By words", byWords),
      column("By meaning", byMeaning),
    ),
    make("details", {}, make("summary", {}, "The scores by words as a table"), numbers),
  );
  refresh();

  function refresh() {
    const question = typed.value.trim();
    const example = examples.find(({ text }) => text.trim() === question);
    const { scores, places, asked } = searchWords(index, question, soon.value, long.value);
    const moved = soon.value !== k1 || long.value !== b;
    const before = moved ? searchWords(index, question, k1, b).places : places;
    const best = places.slice(0, k);
    const right = example?.answers ?? [];
    const meaning = example?.meaning ?? [];
    buttons.forEach((one, i) =>
      set(one, {
        "aria-pressed": examples[i] === example ? "true" : "false",
        style: { "font-weight": examples[i] === example ? 700 : 400 },
      }),
    );
    const left = new Set(wordsOf(question, new Set()).filter((word) => index.stop.has(word)));
    rarity.replaceChildren(
      make(
        "ul",
        { class: "ink-bars", "aria-label": "the words of the question" },
        asked.map(({ word, n, idf, times }, i) =>
          make(
            "li",
            {},
            mark(word, i),
            n
              ? ` is in ${n} of ${passages.length} passages: weight ${idf.toFixed(2)}`
              : " is in no passage",
            times > 1 ? `, asked ${times} times` : "",
          ),
        ),
      ),
      make(
        "p",
        { class: "ink-note" },
        left.size ? `Left out as stop words: ${[...left].join(", ")}.` : "",
      ),
    );
    // what no passage can exceed
    const most = asked.reduce((sum, { n, idf, times }) => sum + (n ? idf * times : 0), 0);
    byWords.replaceChildren(
      list(
        "passages found by words",
        best.map((i, rank) =>
          passage(
            i,
            rank,
            asked,
            right,
            asked.map(({ adds }, at) => [adds[i] / most, colour(at)]),
            `${scores[i].toFixed(2)} = ${asked
              .filter(({ adds }) => adds[i])
              .map(({ word, adds }) => `${word} ${adds[i].toFixed(2)}`)
              .join(" + ")}` +
              (moved ? `; place ${before.indexOf(i) + 1} with the first settings` : ""),
          ),
        ),
      ),
      make(
        "p",
        { class: "ink-note" },
        best.length ? "A full bar is the most that the words could add up to." : "Nothing.",
      ),
    );
    byMeaning.replaceChildren(
      meaning.length
        ? list(
            "passages found by meaning",
            meaning.map(([i, cosine], rank) =>
              passage(
                i,
                rank,
                asked,
                right,
                [[Math.max(0, cosine), "var(--ink-bar)"]],
                `cosine ${cosine.toFixed(2)}`,
              ),
            ),
          )
        : make(
            "p",
            { class: "ink-note" },
            "For a question of your own the page can only count words. The meaning needs the " +
              "embedder: Python computed it for the example questions, when this figure was made.",
          ),
    );
    numbers.replaceChildren(
      table(
        "What each word adds to a passage: how long that is, in words, how often it has the word",
        ["place", "length", "word", "times", "adds"],
        best.flatMap((i, rank) =>
          asked
            .filter(({ adds }) => adds[i])
            .map(({ word, adds }) => [
              rank + 1,
              index.lengths[i],
              word,
              index.counts[i].get(word) ?? 0,
              adds[i].toFixed(3),
            ]),
        ),
      ),
    );
    const meant = meaning.map(([i]) => i);
    summary.say(
      said(question, asked, places, scores) +
        (right.length
          ? ` What answers it: ${where(best, right)} by words` +
            (meaning.length ? `, ${where(meant, right)} by meaning.` : ".")
          : ""),
    );
  }

  /**
   * @param {string} question
   * @param {Asked[]} asked
   * @param {number[]} places
   * @param {Float32Array} scores
   */
  function said(question, asked, places, scores) {
    if (!question) return "Type a question.";
    if (!asked.length) return "Only stop words: there is nothing to search for.";
    if (!places.length)
      return `No passage has ${asked.length > 1 ? "any of these words" : "this word"}.`;
    const [name, text] = passages[places[0]];
    return (
      `${places.length} of ${passages.length} passages have a word of the question. ` +
      `First by words: “${name ? `${name}: ` : ""}${text}”, ` +
      `score ${scores[places[0]].toFixed(2)}.`
    );
  }

  /**
   * @param {number[]} found
   * @param {number[]} right
   */
  function where(found, right) {
    const place = found.findIndex((i) => right.includes(i));
    return place < 0 ? `not among the first ${k}` : `place ${place + 1}`;
  }

  /**
   * @param {number} i its place
   * @param {number} rank
   * @param {Asked[]} asked
   * @param {number[]} right
   * @param {[number, string][]} parts of its bar: how much of the whole, and the colour
   * @param {string} note
   */
  function passage(i, rank, asked, right, parts, note) {
    const [name, text, source] = passages[i];
    return make(
      "li",
      { style: { margin: "0.7rem 0", "line-height": 1.6 } },
      `${rank + 1}. `,
      make("b", {}, marked(name, asked)),
      name ? ": " : "",
      marked(text, asked),
      make("span", { class: "ink-note" }, source ? ` (${source})` : ""),
      right.includes(i) ? make("b", {}, " ✓ answers it") : null,
      make(
        "div",
        {
          "aria-hidden": "true",
          style: {
            display: "flex",
            height: "0.7rem",
            border: "1px solid var(--ink-line)",
            "border-radius": "3px",
          },
        },
        parts.map(([share, shade]) =>
          make("span", { style: { width: `${100 * share}%`, background: shade } }),
        ),
      ),
      make("span", { class: "ink-note" }, note),
    );
  }

  /**
   * A text with the question's words marked, each in its colour; as nodes, so that no text is ever
   * read as HTML.
   * @param {string} text
   * @param {Asked[]} asked
   */
  function marked(text, asked) {
    /** @type {(HTMLElement | string)[]} */
    const nodes = [];
    let at = 0;
    const words = asked.map(({ word }) => word);
    for (const [start, end, which] of placesOf(text, words, index.stop)) {
      nodes.push(text.slice(at, start), mark(text.slice(start, end), which));
      at = end;
    }
    return [...nodes, text.slice(at)];
  }

  /**
   * @param {string} text
   * @param {number} i
   */
  function mark(text, i) {
    const strength = "calc(var(--ink-mix) * var(--ink-depth))";
    const shade = `color-mix(in srgb, ${colour(i)} ${strength}, transparent)`;
    return make(
      "mark",
      {
        style: {
          color: "inherit",
          background: shade,
          padding: 0,
          "border-bottom": `2px solid ${colour(i)}`,
        },
      },
      text,
    );
  }
}
