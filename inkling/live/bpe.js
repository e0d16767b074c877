// bpe.js: the book's tokenizer in JavaScript: byte-level BPE, the same ids as
// inkling/text/tokenizer.py.
//
// Ids 0 to 255 are the bytes; each merge [left, right, id] joins two tokens into a new one; special
// tokens come last.

// GPT-2's pattern cuts a text into pieces, and merges never cross from one piece to the next.
// \p{White_Space} is what Python calls \s; JavaScript's own \s differs from it in two rare
// characters.
const PATTERN = new RegExp(
  [
    /'(?:[sdmt]|ll|ve|re)/u,
    / ?\p{L}+/u,
    / ?\p{N}+/u,
    / ?[^\p{White_Space}\p{L}\p{N}]+/u,
    /\p{White_Space}+(?!\P{White_Space})/u,
    /\p{White_Space}+/u,
  ]
    .map((part) => part.source)
    .join("|"),
  "gu",
);

/** @import { Tables } from "./model.js" */

// Two ids as one number: below 2 ** 53, where numbers are still exact.
const pair = (/** @type {number} */ left, /** @type {number} */ right) => left * 2 ** 26 + right;

export class Bpe {
  /** @param {Tables} tables */
  constructor({ merges, specials = {} }) {
    this.merges = merges;
    this.specials = specials;
    this.ranks = new Map(merges.map(([left, right], rank) => [pair(left, right), rank]));
    /** @type {Uint8Array[]} */
    this.bytes = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));
    for (const [left, right, id] of merges)
      this.bytes[id] = joined([this.bytes[left], this.bytes[right]]);
    for (const [text, id] of Object.entries(specials))
      this.bytes[id] = new TextEncoder().encode(text);
    /** @type {Map<string, number[]>} */
    this.cache = new Map();
  }

  /**
   * Text typed by a person: the text of a special token is ordinary text here. `limit` uses only
   * the first merges.
   * @param {string} text
   */
  encode(text, limit = this.merges.length) {
    /** @type {number[]} */
    const ids = [];
    // Half of a surrogate pair is no character: it becomes U+FFFD, as everywhere on the web.
    for (const [piece] of text.replace(/\p{Surrogate}/gu, "\ufffd").matchAll(PATTERN)) {
      // One by one: as arguments of one call, a long text's ids do not fit on the stack.
      for (const id of this.encodePiece(piece, limit)) ids.push(id);
    }
    return ids;
  }

  /**
   * @param {string} piece
   * @param {number} limit
   */
  encodePiece(piece, limit) {
    const full = limit >= this.merges.length;
    const known = full && this.cache.get(piece);
    if (known) return known;
    let ids = [...new TextEncoder().encode(piece)];
    while (ids.length > 1) {
      let best = limit; // the earliest merge that fits anywhere
      for (let i = 0; i + 1 < ids.length; i++) {
        const rank = this.ranks.get(pair(ids[i], ids[i + 1]));
        if (rank !== undefined && rank < best) best = rank;
      }
      if (best === limit) break;
      const [left, right, id] = this.merges[best];
      /** @type {number[]} */
      const merged = [];
      for (let i = 0; i < ids.length; i++) {
        if (ids[i] === left && ids[i + 1] === right) {
          merged.push(id);
          i++;
        } else merged.push(ids[i]);
      }
      ids = merged;
    }
    if (full && this.cache.size < 20000) this.cache.set(piece, ids);
    return ids;
  }

  /** @param {number[]} ids */
  decode(ids) {
    const all = joined(ids.map((id) => this.bytes[id] ?? new Uint8Array()));
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(all);
  }

  /**
   * How one token is shown: spaces and line ends made visible, bytes that are no whole character in
   * hexadecimal.
   * @param {number} id
   */
  label(id) {
    const bytes = this.bytes[id] ?? new Uint8Array();
    try {
      return visible(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
    } catch {
      return hexadecimal(bytes);
    }
  }
}

/** @param {Uint8Array[]} parts */
function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export const hexadecimal = (/** @type {Uint8Array} */ bytes) =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(" ");

/** @param {string} text */
export function visible(text) {
  return text
    .replaceAll(" ", "·")
    .replaceAll("\n", "⏎")
    .replaceAll("\t", "⇥")
    .replace(/[\x00-\x1f]/g, (control) => String.fromCharCode(0x2400 + control.charCodeAt(0)));
}

/**
 * A token in words, for the summary and for screen readers.
 * @param {string} token
 */
export function spoken(token) {
  if (token === "\n") return "line end";
  if (token.trim() === "")
    return token.length === 1 ? "space" : `${token.length} spaces or line ends`;
  return `“${token}”`;
}
