// training.js: the loss curve of a run and, at each saved step, what the model wrote then.
import { announcer, frame, make, slider, svg, table } from "./ui.js";

/** @import { Widget } from "./ui.js" */

/** @typedef {[number, number]} Point a step and its loss */

/**
 * What Python sends.
 * @typedef {object} Data
 * @property {Point[]} train
 * @property {Point[]} validation
 * @property {[number, string][]} samples
 * @property {number | null} bound
 * @property {string} unit
 * @property {string} title
 */

/** @typedef {Pick<Data, "train" | "validation" | "bound" | "unit">} Curves */
/** @typedef {Record<string, string | number>} Attributes */

/**
 * @param {Widget<Data>} widget
 * @param {HTMLElement} el
 */
export function trainingFigure(widget, el) {
  const { train, validation, samples, bound, unit, title } = widget.get("data");
  const curve = validation.length ? validation : train;
  // where the slider stops
  /** @type {[number, string | null][]} */
  const stops = samples.length ? samples : curve.map(([step]) => [step, null]);
  const summary = announcer();
  const text = make("div", {
    class: "ink-text",
    tabindex: 0,
    role: "region",
    "aria-label": "what the model wrote at this step",
  });
  const chart = drawChart({ train, validation, bound, unit });
  const when = slider({
    label: "Step",
    min: 0,
    max: stops.length - 1,
    value: stops.length - 1,
    oninput: () => show(),
    format: (i) => stops[i][0].toLocaleString("en"),
  });
  frame(
    el,
    title,
    chart.element,
    when.element,
    samples.length ? text : null,
    summary.element,
    make(
      "details",
      {},
      make("summary", {}, "The curve as a table"),
      make(
        "div",
        { class: "ink-scroll", tabindex: 0, role: "region", "aria-label": "table of losses" },
        table(
          `Loss in ${unit}`,
          [
            "step",
            validation.length ? "validation" : "training",
            ...(bound === null ? [] : ["above the bound"]),
          ],
          curve.map(([step, loss]) => [
            step,
            loss.toFixed(3),
            ...(bound === null ? [] : [(loss - bound).toFixed(3)]),
          ]),
        ),
      ),
    ),
  );
  show();

  function show() {
    const [step, sample] = stops[when.value];
    text.textContent = sample ?? "";
    chart.mark(step);
    const [, loss] = curve.reduce((best, point) =>
      Math.abs(point[0] - step) < Math.abs(best[0] - step) ? point : best,
    );
    summary.say(
      `Step ${step}: ${validation.length ? "validation" : "training"} loss ` +
        `${loss.toFixed(3)} ${unit}` +
        (bound === null
          ? "."
          : `, ${(loss - bound).toFixed(3)} above the bound of ${bound.toFixed(3)}.`),
    );
  }
}

/**
 * The chart is drawn anew for the width that it has, so that its type stays readable on a phone.
 * @param {Curves} data
 */
function drawChart(data) {
  const element = make("div");
  let step = 0;
  /** @type {ReturnType<typeof chartOf>} */
  let chart;
  const draw = () => {
    const width = Math.max(260, Math.min(720, element.clientWidth || 640));
    chart = chartOf(data, width);
    chart.mark(step);
    element.replaceChildren(chart.element);
  };
  draw();
  new ResizeObserver(draw).observe(element);
  return {
    element,
    mark: (/** @type {number} */ now) => {
      step = now;
      chart.mark(now);
    },
  };
}

/**
 * @param {Curves} curves
 * @param {number} width
 */
function chartOf({ train, validation, bound, unit }, width) {
  const height = 250;
  const [left, right, top, bottom] = [40, 12, 24, 44];
  const points = [...train, ...validation];
  // not Math.max(...points): a browser takes only so many arguments in one call
  const last = points.reduce((most, [step]) => Math.max(most, step), 1);
  const high = points.reduce((most, [, loss]) => Math.max(most, loss), -Infinity);
  const low = points.reduce((least, [, loss]) => Math.min(least, loss), bound ?? Infinity);
  const x = (/** @type {number} */ step) => left + (step / last) * (width - left - right);
  // Logarithmic, so that the slow gains at the end are seen as well as the fast ones at the start.
  const [logLow, logHigh] = [Math.log(low * 0.95), Math.log(high * 1.02)];
  const y = (/** @type {number} */ loss) =>
    top + ((logHigh - Math.log(loss)) / (logHigh - logLow)) * (height - top - bottom);
  const line = (/** @type {Point[]} */ data, /** @type {Attributes} */ attributes) =>
    svg("polyline", {
      fill: "none",
      points: data.map(([step, loss]) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(" "),
      ...attributes,
    });
  const across = (/** @type {number} */ loss, /** @type {Attributes} */ attributes) =>
    svg("line", { x1: left, x2: width - right, y1: y(loss), y2: y(loss), ...attributes });
  /**
   * @param {string} text
   * @param {number} atX
   * @param {number} atY
   */
  const label = (text, atX, atY, anchor = "start") =>
    svg("text", { x: atX, y: atY, "text-anchor": anchor }, text);
  const cursor = svg("line", {
    y1: top,
    y2: height - bottom,
    stroke: "var(--ink-warm)",
    "stroke-width": 2,
    "stroke-dasharray": "2 3",
  });
  const ticks = niceTicks(low, high);
  const drawn = [train.length ? "thin: training" : "", validation.length ? "dots: validation" : ""]
    .filter(Boolean)
    .join(", ");
  const element = svg(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "img",
      "aria-label": `Loss in ${unit} against the training step. The table below has the numbers.`,
    },
    ticks.map((loss) => across(loss, { stroke: "var(--ink-line)", "stroke-opacity": 0.35 })),
    ticks.map((loss) => label(String(loss), left - 6, y(loss) + 4, "end")),
    [0, 0.5, 1].map((part) =>
      label(
        Math.round(part * last).toLocaleString("en"),
        x(part * last),
        height - bottom + 16,
        ["start", "middle", "end"][2 * part],
      ),
    ),
    label(`loss, ${unit}`, left, 13),
    label(`step; ${drawn}`, width - right, height - 8, "end"),
    line(train, { stroke: "var(--ink-6)", "stroke-width": 1.2 }),
    line(validation, { stroke: "var(--ink-accent)", "stroke-width": 2.5 }),
    validation.map(([step, loss]) =>
      svg("circle", { cx: x(step), cy: y(loss), r: 3, fill: "var(--ink-accent)" }),
    ),
    bound === null
      ? []
      : [
          across(bound, {
            stroke: "var(--ink-text)",
            "stroke-width": 1.5,
            "stroke-dasharray": "8 4",
          }),
          label(`bound ${bound.toFixed(3)}`, left + 6, y(bound) - 5),
        ],
    cursor,
  );
  return {
    element,
    mark: (/** @type {number} */ step) => {
      cursor.setAttribute("x1", String(x(step)));
      cursor.setAttribute("x2", String(x(step)));
    },
  };
}

/**
 * A few round numbers between low and high for a logarithmic axis.
 * @param {number} low
 * @param {number} high
 */
function niceTicks(low, high) {
  const all = [0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 50, 100];
  const inside = all.filter((tick) => tick >= low * 0.97 && tick <= high * 1.02);
  return inside.length >= 2 ? inside : [low, high].map((value) => Number(value.toFixed(2)));
}
