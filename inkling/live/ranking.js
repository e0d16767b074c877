// ranking.js: the reader, or a simulated rater, chooses between two replies; a small reward model
// learns the taste.
import { announcer, button, frame, make, newId, percent, select, set, svg } from "./ui.js";

/** @import { Widget } from "./ui.js" */

const sigmoid = (/** @type {number} */ x) => 1 / (1 + Math.exp(-x));
const worth = (/** @type {number[]} */ a, /** @type {number[]} */ b) =>
  a.reduce((sum, x, i) => sum + x * b[i], 0);

/**
 * Bradley-Terry with a Gaussian prior, by Newton's method: the most likely weights, and one
 * standard deviation of each (Laplace).
 * @param {number[][]} differences what A has more than B, one row a choice
 * @param {number[]} targets 1 A is better, 0 B is, 0.5 equal
 * @param {number} prior
 * @param {number} n
 */
export function fitTaste(differences, targets, prior, n) {
  /** @type {number[]} */
  let weights = Array(n).fill(0);
  for (let step = 0; ; step++) {
    const slope = weights.map((w) => -w / prior ** 2);
    const curvature = weights.map((_, i) => weights.map((_, j) => (i === j ? 1 / prior ** 2 : 0)));
    for (const [row, d] of differences.entries()) {
      const p = sigmoid(worth(weights, d));
      for (let i = 0; i < n; i++) {
        slope[i] += (targets[row] - p) * d[i];
        for (let j = 0; j < n; j++) curvature[i][j] += p * (1 - p) * d[i] * d[j];
      }
    }
    const inverse = invert(curvature);
    const move = inverse.map((row) => worth(row, slope));
    const largest = Math.max(...move.map(Math.abs));
    if (largest < 1e-9 || step === 100)
      return { weights, errors: inverse.map((row, i) => Math.sqrt(row[i])) };
    // a long step may overshoot
    weights = weights.map((w, i) => w + move[i] / Math.max(1, largest));
  }
}

/**
 * By Gauss and Jordan; no swaps of rows, for the matrix is positive definite.
 * @param {number[][]} matrix
 */
function invert(matrix) {
  const n = matrix.length;
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let i = 0; i < n; i++) {
    rows[i] = rows[i].map((x, _, row) => x / row[i]);
    for (let k = 0; k < n; k++)
      if (k !== i) rows[k] = rows[k].map((x, j) => x - rows[k][i] * rows[i][j]);
  }
  return rows.map((row) => row.slice(n));
}

/** @typedef {{ prompt: string, replies: string[], features: number[][] }} Question */

/**
 * What Python sends; a rater has a name and a target for each pair.
 * @typedef {object} Data
 * @property {string[]} names
 * @property {number} prior
 * @property {Question[]} pairs
 * @property {Question[]} exam
 * @property {[string, number[]][]} raters
 */

/** @typedef {{ pair: number, target: number, expected: number }} Choice */

/**
 * @param {Widget<Data>} widget
 * @param {HTMLElement} el
 */
export function rankingFigure(widget, el) {
  const { names, prior, pairs, exam, raters } = widget.get("data");
  const differences = pairs.map(({ features: [a, b] }) => a.map((x, i) => x - b[i]));
  const signed = (/** @type {number} */ x) =>
    Math.abs(x) < 0.05 ? "0.0" : `${x > 0 ? "+" : "−"}${Math.abs(x).toFixed(1)}`;
  /** @type {Choice[]} */
  let made = []; // one for each pair in turn; expected: P(A) before the choice
  /** @type {ReturnType<typeof fitTaste>} */
  let model;

  const prompt = make("p");
  const replies = [make("p"), make("p")];
  const place = make("p", { class: "ink-note" });
  const ids = replies.map((text) => set(text, { id: newId() }).id);
  const box = {
    border: "1px solid var(--ink-line)",
    "border-radius": "6px",
    padding: "0.2rem 0.6rem",
    "min-height": "8.2rem", // so that the buttons stay where they are
  };
  const columns = (/** @type {string} */ width) => ({
    display: "grid",
    gap: "0.2rem 1.2rem",
    "grid-template-columns": `repeat(auto-fit, minmax(min(${width}, 100%), 1fr))`,
  });
  const weights = make("ul", {
    class: "ink-bars",
    style: columns("17rem"),
    "aria-label": "what one more of each is worth to the model",
  });
  const order = make("ol", {
    class: "ink-bars",
    "aria-label": "replies by learned reward, best first",
  });
  const score = make("p");
  const summary = announcer();
  let asked = exam[0];
  frame(
    el,
    "Your choices become a reward",
    place,
    make("p", {}, make("strong", {}, prompt)),
    make(
      "div",
      { style: columns("14rem") },
      replies.map((text, i) => make("div", { style: box }, make("strong", {}, "AB"[i]), text)),
    ),
    make(
      "div",
      { class: "ink-row", role: "group", "aria-label": "your choice" },
      set(
        button("A is better", () => choose(1)),
        { "aria-describedby": ids[0] },
      ),
      set(
        button("B is better", () => choose(0)),
        { "aria-describedby": ids[1] },
      ),
      button("Equal", () => choose(0.5)),
      button("Undo", undo),
      button("Start again", () => {
        made = [];
        learn();
        show("Everything is forgotten.");
      }),
    ),
    make(
      "div",
      { class: "ink-row", role: "group", "aria-label": "who chooses" },
      make("span", {}, "Or let all pairs be decided by"),
      raters.map(([name, chosen]) => button(name, () => decide(name, chosen))),
    ),
    summary.element,
    score,
    make("p", {}, make("strong", {}, "What one more of each is worth")),
    weights,
    make(
      "p",
      { class: "ink-note" },
      "The bar is the weight, the line across it one standard deviation to both sides. " +
        `Before any choice each weight is 0 ± ${prior}.`,
    ),
    select(
      "Rank the replies to",
      exam.map((one, i) => [String(i), one.prompt]),
      "0",
      (i) => {
        asked = exam[Number(i)];
        show("", true);
      },
    ).element,
    order,
    make(
      "p",
      { class: "ink-note" },
      "Nobody chooses between these. Whether a reply is true is not among the seven things that " +
        "the model sees.",
    ),
  );
  learn();
  show("No choice yet.");

  /** @param {number} target */
  function push(target) {
    const pair = made.length % pairs.length;
    const choice = { pair, target, expected: sigmoid(worth(model.weights, differences[pair])) };
    made.push(choice);
    learn();
    return choice;
  }

  function learn() {
    model = fitTaste(
      made.map(({ pair }) => differences[pair]),
      made.map(({ target }) => target),
      prior,
      names.length,
    );
  }

  /** @param {number} target */
  function choose(target) {
    const { expected } = push(target);
    const said = target === 0.5 ? "Equal." : `${target ? "A" : "B"} is better.`;
    show(
      `Your last choice: ${said} Before it, the model gave ${target ? "A" : "B"} ` +
        `${percent(target ? expected : 1 - expected)}. ` +
        `Pair ${(made.length % pairs.length) + 1} stands here now.`,
    );
  }

  function undo() {
    const last = made.pop();
    learn();
    show(last ? "Your last choice is taken back." : "There is no choice to take back.");
  }

  /**
   * @param {string} name
   * @param {number[]} chosen
   */
  function decide(name, chosen) {
    made = [];
    learn();
    for (const target of chosen) push(target);
    show(`All ${chosen.length} pairs decided by ${name}.`);
  }

  /**
   * An opinion is one only where the weight is farther from 0 than its error.
   * @param {number} i
   */
  function word(i) {
    const { weights, errors } = model;
    return Math.abs(weights[i]) <= errors[i]
      ? "not sure"
      : weights[i] > 0
        ? "likes it"
        : "dislikes it";
  }

  /** @param {string} news */
  function show(news, quick = false) {
    const { prompt: question, replies: texts } = pairs[made.length % pairs.length];
    const round = Math.floor(made.length / pairs.length);
    place.textContent =
      `Pair ${(made.length % pairs.length) + 1} of ${pairs.length}` +
      (round ? `, round ${round + 1}: choose as before, or contradict yourself` : "");
    prompt.textContent = question;
    replies.forEach((p, i) => {
      p.textContent = texts[i];
    });
    const clear = made.filter(({ target }) => target !== 0.5);
    const explained = clear.filter(
      ({ pair, target }) => (2 * target - 1) * worth(model.weights, differences[pair]) > 1e-9,
    ).length;
    const foretold = clear.filter(
      ({ target, expected }) => (2 * target - 1) * (expected - 0.5) > 1e-9,
    ).length;
    score.textContent = made.length
      ? `Choices: ${made.length}. ` +
        `Of the ${clear.length} that were not “equal” the model explains ` +
        `${explained} now; it foretold ${foretold} before it knew them.`
      : "Which reply is better? After each choice the model is fitted anew.";
    const reach = Math.max(2, ...model.weights.map((w, i) => Math.abs(w) + model.errors[i]));
    weights.replaceChildren(
      ...names.map((name, i) =>
        make(
          "li",
          {},
          make(
            "div",
            { style: { display: "flex", "justify-content": "space-between", gap: "0.5rem" } },
            make("span", {}, name),
            make(
              "span",
              { style: { "white-space": "nowrap" } },
              `${signed(model.weights[i])} ± ${model.errors[i].toFixed(1)}, ${word(i)}`,
            ),
          ),
          weightBar(model.weights[i] / reach, model.errors[i] / reach),
        ),
      ),
    );
    const rewards = asked.features.map((row) => worth(model.weights, row));
    const best = rewards.map((_, i) => i).sort((i, j) => rewards[j] - rewards[i]);
    order.replaceChildren(
      ...best.map((i) =>
        make(
          "li",
          { style: { display: "flex", gap: "0.6rem" } },
          make(
            "strong",
            { style: { flex: "0 0 2.6rem", "text-align": "right" } },
            signed(rewards[i]),
          ),
          make("span", {}, asked.replies[i]),
        ),
      ),
    );
    const level = rewards.filter((reward) => rewards[best[0]] - reward < 1e-9).length - 1;
    const firm = names
      .map((_, i) => i)
      .filter((i) => word(i) !== "not sure")
      .sort((i, j) => Math.abs(model.weights[j]) - Math.abs(model.weights[i]));
    const opinion = firm.length
      ? `The model's firmest opinion: ${names[firm[0]]}, ` +
        `${signed(model.weights[firm[0]])}, ${word(firm[0])}.`
      : "The model has no firm opinion.";
    const ranked = made.length
      ? `First of the ranked replies${level ? `, level with ${level} more` : ""}: ` +
        `“${asked.replies[best[0]]}”`
      : "It gives every reply the same reward.";
    summary.say(`${news} ${opinion} ${ranked}`.trim(), quick ? 60 : 250);
  }
}

/**
 * A weight as a bar from the middle, with its error across. -1 to 1 is the whole width; beside it
 * the numbers stand as text.
 * @param {number} weight
 * @param {number} error
 */
function weightBar(weight, error) {
  const x = (/** @type {number} */ value) => 50 + 48 * value;
  const [low, high] = [Math.min(0, weight), Math.max(0, weight)];
  /** @param {{ x1: number, x2: number, y1: number, y2: number, stroke: string }} place */
  const line = (place) =>
    svg("line", {
      ...place,
      "stroke-width": 2,
      "vector-effect": "non-scaling-stroke",
    });
  return svg(
    "svg",
    {
      viewBox: "0 0 100 10",
      preserveAspectRatio: "none",
      style: "width: 100%; height: 0.8rem",
      "aria-hidden": "true",
    },
    svg("rect", {
      x: x(low),
      y: 1,
      width: x(high) - x(low),
      height: 8,
      fill: weight < 0 ? "var(--ink-warm)" : "var(--ink-bar)",
    }),
    line({ x1: 50, x2: 50, y1: 0, y2: 10, stroke: "var(--ink-line)" }),
    line({ x1: x(weight - error), x2: x(weight + error), y1: 5, y2: 5, stroke: "var(--ink-text)" }),
  );
}
