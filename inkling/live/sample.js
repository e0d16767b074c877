// sample.js: from logits to the next token, the same steps in the same order as
// inkling/training/generate.py: temperature, then top-k, then top-p, then a draw with the same
// random numbers. So a seed gives the same tokens here and in Python, as long as the weights are
// the same (here they are rounded to 8 bits).
import { softmax } from "./model.js";

/** @import { Floats } from "./model.js" */

/**
 * The distribution that is drawn from: (vocabulary), zeros where a token was cut off.
 * @param {Floats} logits
 */
export function distribution(logits, { temperature = 1, topK = 0, topP = 1 } = {}) {
  if (temperature <= 0) {
    // greedy: all the probability on the largest
    const out = new Float32Array(logits.length);
    out[logits.indexOf(logits.reduce((a, b) => Math.max(a, b)))] = 1;
    return out;
  }
  const scaled = logits.map((value) => value / temperature);
  const order = Array.from(scaled.keys()).sort((a, b) => scaled[b] - scaled[a] || a - b);
  if (topK > 0 && topK < order.length) {
    const least = scaled[order[topK - 1]]; // whatever ties with the k-th stays
    for (let i = topK; i < order.length; i++)
      if (scaled[order[i]] < least) scaled[order[i]] = -Infinity;
  }
  let probabilities = softmax(scaled);
  if (topP < 1) {
    // Keep the fewest tokens, most likely first, that reach top-p together; always at least one.
    let sum = 0;
    for (const id of order) {
      if (sum >= topP) scaled[id] = -Infinity;
      sum += probabilities[id];
    }
    probabilities = softmax(scaled);
  }
  return probabilities;
}

/**
 * The Mersenne Twister (Matsumoto and Nishimura 1998), seeded and read out as torch.rand does for
 * float64. It gives numbers in [0, 1).
 * @param {number} seed
 */
export function randomNumbers(seed) {
  const N = 624,
    state = new Uint32Array(N);
  state[0] = seed;
  for (let i = 1; i < N; i++)
    state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  let at = N;
  const next = () => {
    if (at === N) {
      for (let i = 0; i < N; i++) {
        const y = (state[i] & 0x80000000) | (state[(i + 1) % N] & 0x7fffffff);
        state[i] = state[(i + 397) % N] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      at = 0;
    }
    let y = state[at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
  return () => {
    const high = next() & 0x1fffff,
      low = next();
    return (high * 4294967296 + low) / 9007199254740992;
  };
}

/**
 * Throw a dart: lay the probabilities end to end on a line and see whose stretch the random number
 * hits.
 * @param {Floats} probabilities
 * @param {() => number} random
 */
export function draw(probabilities, random) {
  let total = 0,
    last = 0;
  for (let id = 0; id < probabilities.length; id++)
    if (probabilities[id] > 0) {
      total += probabilities[id];
      last = id;
    }
  const target = random() * total;
  let sum = 0;
  for (let id = 0; id < last; id++) {
    sum += probabilities[id];
    if (sum > target) return id;
  }
  return last;
}

/** @param {Floats} probabilities */
export function entropyBits(probabilities) {
  let bits = 0;
  for (const p of probabilities) if (p > 0) bits -= p * Math.log2(p);
  return bits;
}
