// Pictures opened before: their ids, in this browser alone.

import { byId, make } from "./page.js";
import { ROOT } from "./server.js";

const KEY = "liveresize.studio.recent";
const MOST = 24;

const renewed = new Map(); // ids that mean another picture than when the page was loaded

function read() {
  try {
    const ids = JSON.parse(localStorage.getItem(KEY));
    return Array.isArray(ids) ? ids.filter((id) => typeof id === "string").slice(0, MOST) : [];
  } catch {
    return []; // storage that is closed, or holds what somebody else has put there
  }
}

function write(ids) {
  try {
    localStorage.setItem(KEY, JSON.stringify(ids.slice(0, MOST)));
  } catch {
    // Without storage they are forgotten, which is no reason to stop.
  }
}

/** Put an id first; `anew` where a new picture has it. */
export function add(id, anew = false) {
  if (anew) renewed.set(id, Date.now());
  write([id, ...read().filter((each) => each !== id)]);
}

export const forget = (id) => write(read().filter((each) => each !== id));

function thumbnail(id) {
  const version = renewed.get(id) ?? "";
  const path = `${encodeURIComponent(id)}_96_96.auto?fit=crop&proxy=true&v=${version}`;
  return make("img", { alt: "", loading: "lazy", src: new URL(path, ROOT) });
}

/** List them; `open` is called with the id of one that is chosen. */
export function list(open, current) {
  const items = read().map((id) => {
    const button = make("button", { className: "quiet" }, thumbnail(id), make("span", {}, id));
    button.onclick = () => open(id);
    if (id === current) button.ariaCurrent = "true";
    const cross = make("button", { className: "quiet cross" }, "×");
    cross.ariaLabel = `Remove ${id} from the recent pictures`;
    cross.onclick = () => {
      forget(id);
      list(open, current);
      byId("recent-heading").focus();
    };
    return make("li", {}, button, cross);
  });
  byId("recent").replaceChildren(...items);
  byId("recent-none").hidden = items.length > 0;
}
