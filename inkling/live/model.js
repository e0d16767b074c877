// model.js: the book's Transformer in plain JavaScript, the same layers in the same order as
// inkling/model/transformer.py.
//
// The weights file is in safetensors format: 8 bytes with the length of a JSON header, the header,
// then the numbers. Each matrix is stored as int8 with one float scale a row, so that weight =
// scale[row] * integer; it is expanded to Float32Array once, when the model is made. Vectors (the
// norms) are stored as float32.

/**
 * The model's shape, as inkling/live/weights.py writes it.
 * @typedef {object} Config
 * @property {number} vocab_size
 * @property {number} context_length
 * @property {number} d_model
 * @property {number} n_layers
 * @property {number} n_heads
 * @property {number} n_kv_heads
 * @property {number} head_dim
 * @property {number} d_ff
 * @property {number} rope_theta
 * @property {number} norm_eps
 */

/**
 * The tokenizer: merges are [left, right, id] in the order they were learned, specials text to id.
 * @typedef {{ merges: [number, number, number][], specials?: Record<string, number> }} Tables
 */

/** @typedef {Float32Array<ArrayBuffer>} Floats */
/** @typedef {{ shape: number[], data: Int8Array | Floats }} Tensor */

/**
 * The keys and values of every token so far, a row for each layer.
 * @typedef {{ length: number, keys: Floats[], values: Floats[] }} Cache
 */

/**
 * @param {Uint8Array} bytes
 * @returns {{ metadata: { config: string, tokenizer: string }, tensors: Record<string, Tensor> }}
 */
export function readSafetensors(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = Number(view.getBigUint64(0, true));
  /** @type {Record<string, any>} */
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength)));
  /** @type {Record<string, Tensor>} */
  const tensors = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [start, end] = entry.data_offsets.map(
      (/** @type {number} */ offset) => offset + 8 + headerLength,
    );
    // a copy of its own, so that it starts where a float may start
    const raw = bytes.slice(start, end);
    const data = entry.dtype === "I8" ? new Int8Array(raw.buffer) : new Float32Array(raw.buffer);
    tensors[name] = { shape: entry.shape, data };
  }
  return { metadata: header.__metadata__, tensors };
}

/**
 * int8 rows and their scales -> float32
 * @param {Tensor} tensor
 * @param {ArrayLike<number>} scales
 */
function dequantise({ shape, data }, scales) {
  const [rows, columns] = shape;
  const out = new Float32Array(rows * columns);
  for (let row = 0, i = 0; row < rows; row++) {
    for (const end = i + columns; i < end; i++) out[i] = data[i] * scales[row];
  }
  return out;
}

/**
 * out = matrix @ x, matrix: (out.length, x.length), stored row by row
 * @param {Floats} matrix
 * @param {Floats} x
 * @param {Floats} out
 */
function multiply(matrix, x, out) {
  const columns = x.length;
  for (let row = 0, i = 0; row < out.length; row++) {
    let [a, b, c, d] = [0, 0, 0, 0]; // four sums at a time keep the processor busy
    let column = 0;
    for (; column + 3 < columns; column += 4, i += 4) {
      a += matrix[i] * x[column];
      b += matrix[i + 1] * x[column + 1];
      c += matrix[i + 2] * x[column + 2];
      d += matrix[i + 3] * x[column + 3];
    }
    for (; column < columns; column++, i++) a += matrix[i] * x[column];
    out[row] = a + b + c + d;
  }
}

/**
 * RMSNorm: x / sqrt(mean(x^2) + eps) * weight
 * @param {Floats} x
 * @param {Floats} weight
 * @param {number} epsilon
 * @param {Floats} out
 */
function rmsNorm(x, weight, epsilon, out) {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * x[i];
  const scale = 1 / Math.sqrt(sum / x.length + epsilon);
  for (let i = 0; i < x.length; i++) out[i] = x[i] * scale * weight[i];
}

/** @param {Floats} scores */
export function softmax(scores, out = new Float32Array(scores.length)) {
  let largest = -Infinity,
    sum = 0;
  for (let i = 0; i < scores.length; i++) if (scores[i] > largest) largest = scores[i];
  for (let i = 0; i < scores.length; i++) sum += out[i] = Math.exp(scores[i] - largest);
  for (let i = 0; i < scores.length; i++) out[i] /= sum;
  return out;
}

export class Model {
  /** @param {Uint8Array} bytes the weights file */
  constructor(bytes) {
    const { metadata, tensors } = readSafetensors(bytes);
    /** @type {Config} */
    this.config = JSON.parse(metadata.config);
    /** @type {Tables} */
    this.tokenizer = JSON.parse(metadata.tokenizer);
    const weight = (/** @type {string} */ name) => {
      const scales = tensors[`${name}.scale`];
      if (scales) return dequantise(tensors[name], scales.data);
      return /** @type {Floats} */ (tensors[name].data); // only matrices are stored as int8
    };
    this.embedding = weight("model.embed_tokens.weight"); // (vocabulary, d_model)
    // tied unless it has its own
    this.head = tensors["lm_head.weight"] ? weight("lm_head.weight") : this.embedding;
    this.norm = weight("model.norm.weight");
    this.layers = Array.from({ length: this.config.n_layers }, (_, i) => {
      const at = (/** @type {string} */ name) => weight(`model.layers.${i}.${name}.weight`);
      return {
        attentionNorm: at("input_layernorm"),
        query: at("self_attn.q_proj"), // (n_heads * head_dim, d_model)
        key: at("self_attn.k_proj"), // (n_kv_heads * head_dim, d_model)
        value: at("self_attn.v_proj"),
        output: at("self_attn.o_proj"),
        mlpNorm: at("post_attention_layernorm"),
        gate: at("mlp.gate_proj"), // (d_ff, d_model)
        up: at("mlp.up_proj"),
        down: at("mlp.down_proj"), // (d_model, d_ff)
      };
    });
    this.rotations = rotationTable(this.config);
  }

  /**
   * A cache without tokens. Shortening its `length` later forgets the last ones.
   * @returns {Cache}
   */
  newCache() {
    const size = this.config.context_length * this.config.n_kv_heads * this.config.head_dim;
    const make = () => this.layers.map(() => new Float32Array(size));
    return { length: 0, keys: make(), values: make() };
  }

  /**
   * One token in, the logits of the next one out: (vocabulary). The cache grows by this token.
   * @param {number} id
   * @param {Cache} cache
   * @param {Floats[] | null} watch an empty array; it receives for each layer the attention weights
   *   of this token, (n_heads * (position + 1)), head by head
   */
  forward(id, cache, watch = null) {
    const { d_model, d_ff, n_heads, n_kv_heads, head_dim, norm_eps, context_length, vocab_size } =
      this.config;
    const position = cache.length;
    if (position >= context_length)
      throw new RangeError(`the context is full: ${context_length} tokens`);
    if (!(id >= 0 && id < vocab_size))
      throw new RangeError(`token id ${id} is outside 0..${vocab_size - 1}`);
    const kvWidth = n_kv_heads * head_dim;
    const x = this.embedding.slice(id * d_model, (id + 1) * d_model); // the residual stream
    const normed = new Float32Array(d_model),
      change = new Float32Array(d_model);
    const query = new Float32Array(n_heads * head_dim),
      mixed = new Float32Array(n_heads * head_dim);
    const gate = new Float32Array(d_ff),
      up = new Float32Array(d_ff);

    this.layers.forEach((layer, index) => {
      // Attention: this token's query against the keys of all tokens so far.
      rmsNorm(x, layer.attentionNorm, norm_eps, normed);
      const here = position * kvWidth;
      // written straight into the cache
      const key = cache.keys[index].subarray(here, here + kvWidth);
      multiply(layer.query, normed, query);
      multiply(layer.key, normed, key);
      multiply(layer.value, normed, cache.values[index].subarray(here, here + kvWidth));
      this.rotate(query, position);
      this.rotate(key, position);
      const weights = new Float32Array(n_heads * (position + 1));
      for (let head = 0; head < n_heads; head++) {
        // several heads share one key and value
        const shared = Math.floor((head * n_kv_heads) / n_heads) * head_dim;
        const row = weights.subarray(head * (position + 1), (head + 1) * (position + 1));
        for (let past = 0; past <= position; past++) {
          let score = 0;
          const at = past * kvWidth + shared;
          for (let i = 0; i < head_dim; i++)
            score += query[head * head_dim + i] * cache.keys[index][at + i];
          row[past] = score / Math.sqrt(head_dim);
        }
        softmax(row, row);
        const out = mixed.subarray(head * head_dim, (head + 1) * head_dim).fill(0);
        for (let past = 0; past <= position; past++) {
          const at = past * kvWidth + shared;
          for (let i = 0; i < head_dim; i++) out[i] += row[past] * cache.values[index][at + i];
        }
      }
      watch?.push(weights);
      multiply(layer.output, mixed, change);
      for (let i = 0; i < d_model; i++) x[i] += change[i];

      // SwiGLU: down(silu(gate(x)) * up(x))
      rmsNorm(x, layer.mlpNorm, norm_eps, normed);
      multiply(layer.gate, normed, gate);
      multiply(layer.up, normed, up);
      for (let i = 0; i < d_ff; i++) gate[i] = (gate[i] / (1 + Math.exp(-gate[i]))) * up[i];
      multiply(layer.down, gate, change);
      for (let i = 0; i < d_model; i++) x[i] += change[i];
    });

    cache.length = position + 1;
    rmsNorm(x, this.norm, norm_eps, normed);
    const logits = new Float32Array(vocab_size);
    multiply(this.head, normed, logits);
    return logits;
  }

  /**
   * RoPE, Llama's convention: number i of a head is paired with number i + head_dim / 2.
   * @param {Floats} vector
   * @param {number} position
   */
  rotate(vector, position) {
    const { head_dim } = this.config,
      half = head_dim / 2;
    for (let start = 0; start < vector.length; start += head_dim) {
      for (let i = 0; i < half; i++) {
        const cos = this.rotations.cos[position * half + i],
          sin = this.rotations.sin[position * half + i];
        const a = vector[start + i],
          b = vector[start + half + i];
        vector[start + i] = a * cos - b * sin;
        vector[start + half + i] = b * cos + a * sin;
      }
    }
  }
}

/** @param {Config} config */
function rotationTable({ context_length, head_dim, rope_theta }) {
  const half = head_dim / 2;
  const cos = new Float32Array(context_length * half),
    sin = new Float32Array(context_length * half);
  for (let position = 0; position < context_length; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position / rope_theta ** (i / half);
      cos[position * half + i] = Math.cos(angle);
      sin[position * half + i] = Math.sin(angle);
    }
  }
  return { cos, sin };
}

// A text that grows and changes at its end: only the tokens after the common beginning are computed
// again.
export class Session {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    /** @type {number[]} */
    this.ids = [];
    this.cache = model.newCache();
    /** @type {Floats | null} */
    this.last = null;
  }

  /**
   * The logits after `ids` (at least one id). Gives the page a chance to breathe every few
   * milliseconds; if another call comes in meanwhile, the older one returns null.
   * @param {number[]} ids
   */
  async logits(ids) {
    const turn = (this.turn = {});
    let same = 0;
    while (same < this.cache.length && same < ids.length && this.ids[same] === ids[same]) same++;
    if (same === ids.length && same === this.cache.length && this.last) return this.last;
    same = Math.min(same, ids.length - 1);
    this.cache.length = same;
    this.ids = ids.slice();
    let started = performance.now();
    for (let i = same; i < ids.length; i++) {
      this.last = this.model.forward(ids[i], this.cache);
      if (performance.now() - started > 12 && i + 1 < ids.length) {
        await new Promise((resolve) => setTimeout(resolve));
        if (this.turn !== turn) return null;
        started = performance.now();
      }
    }
    return this.last;
  }
}
