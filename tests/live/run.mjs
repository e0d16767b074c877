// Runs the figures' JavaScript for tests/live/test_live.py: `node run.mjs <folder of the modules>`
// reads jobs from its input, one JSON line each, and answers each with one JSON line. A job names a
// function below and gives its arguments.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${folder}/${name}`));
const { Model, Session } = await load("model.js");
const { Bpe } = await load("bpe.js");
const { distribution, draw, randomNumbers } = await load("sample.js");
const { countContexts, continuations } = await load("ngram.js");
const { placesOf, searchWords, wordIndex, wordsOf } = await load("search.js");
const { fitTaste } = await load("ranking.js");
const model = (path) => new Model(new Uint8Array(readFileSync(path)));

const jobs = {
  // the logits after each token
  logits({ weights, ids }) {
    const m = model(weights),
      cache = m.newCache();
    return ids.map((id) => Array.from(m.forward(id, cache)));
  },
  // attention[position][layer]: heads * (position + 1) numbers
  attention({ weights, ids }) {
    const m = model(weights),
      cache = m.newCache();
    return ids.map((id) => {
      const watch = [];
      m.forward(id, cache, watch);
      return watch.map((row) => Array.from(row));
    });
  },
  // a session that is asked for several texts in turn: the last logits of each
  async session({ weights, texts }) {
    const session = new Session(model(weights)),
      out = [];
    for (const ids of texts) out.push(Array.from(await session.logits(ids)));
    return out;
  },
  // how many texts asked for at once still get an answer
  async race({ weights, texts }) {
    const session = new Session(model(weights));
    const answers = await Promise.all(texts.map((ids) => session.logits(ids)));
    return answers.map((logits) => logits && Array.from(logits));
  },
  error({ weights, ids }) {
    const m = model(weights),
      cache = m.newCache();
    try {
      for (const id of ids) m.forward(id, cache);
      return null;
    } catch (error) {
      return `${error.name}: ${error.message}`;
    }
  },
  greedy({ weights, prompt, count }) {
    const m = model(weights),
      cache = m.newCache(),
      out = [];
    let logits;
    for (const id of prompt) logits = m.forward(id, cache);
    for (let i = 0; i < count; i++) {
      out.push(draw(distribution(logits, { temperature: 0 }), Math.random));
      logits = m.forward(out.at(-1), cache);
    }
    return out;
  },
  sampled({ weights, prompt, count, seed, options }) {
    const m = model(weights),
      cache = m.newCache(),
      out = [],
      random = randomNumbers(seed);
    let logits;
    for (const id of prompt) logits = m.forward(id, cache);
    for (let i = 0; i < count; i++) {
      out.push(draw(distribution(logits, options), random));
      logits = m.forward(out.at(-1), cache);
    }
    return out;
  },
  encode({ tables, texts, limit }) {
    const bpe = new Bpe(tables);
    return texts.map((text) => bpe.encode(text, limit));
  },
  decode({ tables, ids }) {
    const bpe = new Bpe(tables);
    return ids.map((row) => bpe.decode(row));
  },
  labels({ tables, ids }) {
    const bpe = new Bpe(tables);
    return ids.map((id) => bpe.label(id));
  },
  distributions({ logits, options }) {
    return options.map((o) => Array.from(distribution(Float32Array.from(logits), o)));
  },
  random({ seed, count }) {
    const next = randomNumbers(seed);
    return Array.from({ length: count }, next);
  },
  draws({ probabilities, seed, count }) {
    const random = randomNumbers(seed);
    return Array.from({ length: count }, () => draw(probabilities, random));
  },
  ngram({ sequences, tokens, longest }) {
    const tables = (length) => countContexts(sequences, length);
    const { used, next, total } = continuations(tables, tokens, longest);
    return { used, total, next: [...next] };
  },
  words({ texts, stop }) {
    const left = new Set(stop);
    return texts.map((text) => wordsOf(text, left));
  },
  // where the words of a question stand in the texts
  places({ texts, question, stop }) {
    const left = new Set(stop);
    const asked = [...new Set(wordsOf(question, left))];
    return texts.map((text) =>
      placesOf(text, asked, left).map(([a, b, i]) => [text.slice(a, b), asked[i]]),
    );
  },
  // for each question all scores, the places found, and what each word adds
  search({ texts, stop, questions, k1, b }) {
    const index = wordIndex(texts, new Set(stop));
    return questions.map((question) => {
      const { scores, places, asked } = searchWords(index, question, k1, b);
      return {
        scores: [...scores],
        places,
        asked: asked.map(({ word, n, idf, adds }) => ({ word, n, idf, adds: [...adds] })),
      };
    });
  },
  taste({ differences, targets, prior, n }) {
    return fitTaste(differences, targets, prior, n);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { job, ...values } = JSON.parse(line);
  let answer;
  try {
    answer = { value: await jobs[job](values) };
  } catch (error) {
    answer = { error: error.stack };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
