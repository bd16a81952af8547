// The views of the stage: their tabs, and which of them is shown.

import { byId, complain, root } from "./page.js";

/**
 * What each view shows, loaded when it is first shown. A module has `update(shot, signal)`, which
 * shows a shot until `signal` aborts, and `clear()`. The page itself has the other views.
 */
const LOADED = {
  formats: () => import("./formats.js"),
  srcset: () => import("./srcset.js"),
  code: () => import("./code.js"),
};

const FIRST = "rendition";
const WAYS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 };

const tabs = [...byId("tabs").children];
const nameOf = (tab) => tab.id.slice("tab-".length);
const names = tabs.map(nameOf);

const parts = {}; // modules that are there, by the names of their views
let shown = FIRST;
let shot = null; // the latest; null while the rendition is on its way
let updating = null;

/** The name of the view that is shown. */
export const current = () => shown;

/** Show the view of that name; the first one for names of none. */
export function show(name) {
  shown = names.includes(name) ? name : FIRST;
  root.dataset.view = shown;
  for (const tab of tabs) {
    const own = nameOf(tab) === shown;
    tab.ariaSelected = String(own);
    tab.tabIndex = own ? 0 : -1;
    byId(tab.getAttribute("aria-controls")).hidden = !own;
  }
  fill();
}

/**
 * Give the views what they show: {id, facts, knobs, why, preset, session, query, path, pixels, url,
 * shown: {width, height, type, bytes, blob}}. `path` is that of the rendition and `pixels` that of the
 * same before it is encoded, both relative to ROOT; `url` is whole.
 */
export function update(next) {
  shot = next;
  fill();
}

/** The rendition is another one now, and not there yet. */
export function wait() {
  updating?.abort();
  shot = null;
}

/** No picture is open any more. */
export function clear() {
  wait();
  for (const name in parts) parts[name].clear();
}

async function fill() {
  updating?.abort();
  if (!shot || !LOADED[shown]) return;
  const [name, told] = [shown, shot];
  const { signal } = (updating = new AbortController());
  try {
    parts[name] ??= await LOADED[name]();
    signal.throwIfAborted();
    await parts[name].update(told, signal);
  } catch (error) {
    complain(error, `${name}-said`);
  }
}

/** Call `changed` after the user has chosen a view. */
export function listen(changed) {
  const choose = (tab) => {
    if (nameOf(tab) === shown) return;
    show(nameOf(tab));
    changed();
  };
  tabs.forEach((tab, at) => {
    tab.onclick = () => choose(tab);
    tab.onkeydown = (event) => {
      const way = WAYS[event.key];
      if (!way) return;
      event.preventDefault();
      const next = tabs.at((at + way) % tabs.length);
      next.focus();
      choose(next);
    };
  });
}
