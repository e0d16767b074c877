// host.js: brings the book's live figures to life on a static page. A classic script: no modules,
// no loader, no request to any other site. It works over http and from a folder (file://).
//
// A notebook that has run leaves two things in its page: one JSON script with the state of all its
// widgets, and one small script tag wherever a widget was shown. The host reads the state, wraps it
// in a model with the few methods that an anywidget needs, and calls the widget's `render({ model,
// el })`. Nothing is sent anywhere; there is no kernel.
(() => {
  "use strict";
  // other files of ours lie beside this one
  const here = /** @type {HTMLScriptElement} */ (document.currentScript).src;
  const STATE = "application/vnd.jupyter.widget-state+json";
  const VIEW = "application/vnd.jupyter.widget-view+json";
  const parse = (/** @type {Element} */ script) => {
    const value = JSON.parse(script.textContent ?? "");
    return typeof value === "string" ? JSON.parse(value) : value; // some builders encode twice
  };

  /** @type {Record<string, Promise<any>>} */
  const once = {}; // url -> promise, so that no file is loaded twice
  const loadScript = (/** @type {string} */ name) =>
    (once[name] ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL(name, here).href;
      script.onload = resolve;
      script.onerror = () => {
        delete once[name];
        script.remove();
        reject(new Error(`could not load ${script.src}`));
      };
      document.head.append(script);
    }));

  const fromBase64 = (/** @type {string} */ text) =>
    Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

  // Weights come as scripts that call `deliver`, because a page opened from a folder may not fetch
  // a file.
  /** @type {Record<string, Uint8Array>} */
  const delivered = {};
  globalThis.InklingHost = {
    deliver: (name, base64) => {
      delivered[name] = fromBase64(base64);
    },
    weights: (name) => loadScript(`weights-${name}.js`).then(() => delivered[name]),
  };

  /**
   * What a notebook saves of a widget.
   * @typedef {{ state: Record<string, any>, buffers?: { path: string[], data: string }[] }} State
   */
  class Model {
    /** @param {State} saved */
    constructor({ state, buffers = [] }) {
      this.state = state;
      /** @type {Record<string, Function[]>} */
      this.listeners = {};
      for (const { path, data } of buffers) {
        const last = path.length - 1;
        const parent = path.slice(0, last).reduce((value, key) => value[key], state);
        parent[path[last]] = new DataView(fromBase64(data).buffer);
      }
    }
    /** @param {string} key */
    get(key) {
      return this.state[key];
    }
    /**
     * @param {string} key
     * @param {any} value
     */
    set(key, value) {
      if (this.state[key] === value) return;
      this.state[key] = value;
      this.emit(`change:${key}`, this, value);
      this.emit("change", this);
    }
    /**
     * @param {string} event
     * @param {Function} callback
     */
    on(event, callback) {
      (this.listeners[event] ??= []).push(callback);
    }
    /**
     * @param {string} event
     * @param {Function} [callback]
     */
    off(event, callback) {
      this.listeners[event] = (this.listeners[event] ?? []).filter(
        (other) => callback && other !== callback,
      );
    }
    /**
     * @param {string} event
     * @param {any[]} values
     */
    emit(event, ...values) {
      for (const callback of this.listeners[event] ?? []) callback(...values);
    }
    save_changes() {} // nobody to tell: there is no kernel
    send() {}
  }

  // The book's own figures share one script; any other anywidget brings its code along as text.
  const loadWidget = async (/** @type {string} */ code) => {
    if (/^[\w.-]+\.js$/.test(code)) return loadScript(code).then(() => globalThis.InklingLive);
    return (once[code] ??= (async () => {
      const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
      try {
        const module = await import(url);
        const widget = module.render ? module : module.default;
        return typeof widget === "function" ? widget() : widget;
      } finally {
        URL.revokeObjectURL(url);
      }
    })());
  };

  const start = async () => {
    /** @type {Record<string, State>} */
    const states = {};
    /** @type {Record<string, Model>} */
    const models = {};
    for (const script of document.querySelectorAll(`script[type="${STATE}"]`))
      Object.assign(states, parse(script).state);
    for (const script of document.querySelectorAll(`script[type="${VIEW}"]`)) {
      const id = parse(script).model_id;
      const code = states[id]?.state._esm;
      if (!code) continue; // not an anywidget: leave what stands there
      const el = document.createElement("div");
      try {
        const model = (models[id] ??= new Model(states[id]));
        const widget = await loadWidget(code);
        await widget.initialize?.({ model });
        await widget.render({ model, el });
        // The static picture stands beside the tag, in the same output; it makes room only once the
        // figure works.
        const output = script.parentElement;
        if (output?.querySelector(":scope > .inkling-fallback")) output.replaceWith(el);
        else script.after(el);
      } catch (error) {
        console.error("a live figure could not start; its static picture stays", error);
      }
    }
  };
  document.readyState === "loading"
    ? document.addEventListener("DOMContentLoaded", start)
    : start();
})();
