// The pictures of the gallery as tiles: what each looks like, which are selected, and the keys.

import { byId, drawn, make } from "./page.js";
import { ROOT } from "./server.js";
import { decode } from "./thumbhash.js";

const list = byId("pictures");
const tiles = () => [...list.children];
const idOf = (tile) => tile.dataset.id;
const box = (tile) => tile.querySelector("input");

const renewed = new Map(); // ids that mean another picture than when the page was loaded
const selection = new Map(); // id → picture
let current = "";
let last = ""; // the picture whose box was clicked last: where a range begins

/** What a tile says of a picture beside its id. */
export function badges({ held = false, state = "public", keep_until: kept, claim_until: claimed }) {
  const found = [];
  if (held) found.push("held");
  if (state === "expired") found.push("expired");
  const [end] = [kept, claimed].filter(Boolean).sort();
  if (end && state !== "expired") found.push(`until ${end.slice(0, 10)}`);
  return found;
}

/** The place in a grid of `count` tiles, `across` in a row, where a key leads; -1 for no such key. */
export function led(key, at, across, count) {
  const ways = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across };
  const ends = { Home: 0, End: count - 1 };
  if (key in ends) return ends[key];
  if (!(key in ways)) return -1;
  const place = at + ways[key];
  return place < 0 || place >= count ? at : place;
}

function thumbnail({ id, state = "public", thumbhash: hash, dominant_color: colour }) {
  if (state !== "public") return hash ? drawn(decode(hash)) : make("canvas");
  const at = (dense) => {
    const version = renewed.get(id) ?? "";
    const path = `${encodeURIComponent(id)}_96_96${dense}.auto?fit=crop&proxy=true&v=${version}`;
    return new URL(path, ROOT);
  };
  const image = make("img", { alt: "", loading: "lazy", src: at("_2x") });
  image.onerror = () => {
    image.onerror = null;
    image.src = at(""); // a server may have the one size alone
  };
  if (colour) image.style.background = colour;
  return image;
}

function tile(picture, open) {
  const { id } = picture;
  const pick = make("input", { type: "checkbox", ariaLabel: `Select ${id}` });
  pick.checked = selection.has(id);
  pick.onclick = (event) => select(event.target.closest("li"), event.shiftKey);
  const said = badges(picture).map((text) => make("small", { className: "badge" }, text));
  const label = make("span", { className: "id", title: id }, id);
  const button = make("button", { className: "quiet" }, thumbnail(picture), label, ...said);
  button.onclick = () => open(id);
  const made = make("li", { picture }, make("label", { className: "pick" }, pick), button);
  made.dataset.id = id;
  return made;
}

function select(clicked, range) {
  const all = tiles();
  const to = all.indexOf(clicked);
  const begun = range ? all.findIndex((each) => idOf(each) === last) : to;
  const from = begun < 0 ? to : begun; // it may have left since
  const on = box(clicked).checked;
  for (const each of all.slice(Math.min(from, to), Math.max(from, to) + 1)) {
    check(each, on);
  }
  last = idOf(clicked);
  changed();
}

function check(each, on) {
  box(each).checked = on;
  if (on) selection.set(idOf(each), each.picture);
  else selection.delete(idOf(each));
}

/** Select all that are shown, or none. */
export function selectAll(on) {
  for (const each of tiles()) check(each, on);
  if (!on) selection.clear();
  changed();
}

/** The pictures that are selected. */
export const selected = () => [...selection.values()];

let tell = () => {};

function changed() {
  const all = tiles();
  const every = byId("every");
  every.checked = all.length > 0 && all.every((each) => box(each).checked);
  every.indeterminate = selection.size > 0 && !every.checked;
  tell(selection.size);
}

/** Show these pictures and no others. */
export function show(pictures, open) {
  list.replaceChildren();
  const there = new Set(pictures.map(({ id }) => id));
  for (const id of [...selection.keys()]) if (!there.has(id)) selection.delete(id);
  add(pictures, open);
}

/** Show these as well, behind the others or, if they are `fresh`, before them. */
export function add(pictures, open, fresh = false) {
  for (const { id } of fresh ? pictures : []) {
    renewed.set(id, Date.now());
    remove(id);
  }
  const known = new Set(tiles().map(idOf));
  const made = pictures.filter(({ id }) => !known.has(id)).map((each) => tile(each, open));
  list[fresh ? "prepend" : "append"](...made);
  mark(current);
  changed();
}

/** The tile of that picture leaves; the focus, if it was there, goes on to the next. */
export function remove(id) {
  selection.delete(id);
  const gone = tiles().find((each) => idOf(each) === id);
  if (!gone) return;
  const next = gone.nextElementSibling ?? gone.previousElementSibling;
  if (gone.contains(document.activeElement)) next?.querySelector("button").focus();
  gone.remove();
  mark(current);
  changed();
}

/** Another picture has that id now, or it has changed: its tile is made anew. */
export function renew(picture, open) {
  renewed.set(picture.id, Date.now());
  const old = tiles().find((each) => idOf(each) === picture.id);
  if (!old) return;
  const { state, held, ...rest } = old.picture;
  const made = tile({ ...rest, ...picture }, open);
  if (selection.has(picture.id)) selection.set(picture.id, made.picture);
  old.replaceWith(made);
  mark(current);
}

/** Mark the picture that is open. */
export function mark(id) {
  current = id;
  for (const each of tiles()) {
    each.querySelector("button").ariaCurrent = idOf(each) === id ? "true" : null;
  }
  const all = tiles();
  rove(all.find((each) => idOf(each) === id) ?? all[0]);
}

/** Tab comes to one tile alone; arrow keys lead to the others. */
function rove(to) {
  for (const each of tiles()) {
    for (const control of each.querySelectorAll("input, button")) {
      control.tabIndex = each === to ? 0 : -1;
    }
  }
}

/** Call `count` with how many are selected, whenever that changes. */
export function listen(count) {
  tell = count;
  list.addEventListener("focusin", (event) => rove(event.target.closest("li")));
  list.addEventListener("keydown", (event) => {
    const all = tiles();
    const across = all.filter((each) => each.offsetTop === all[0].offsetTop).length;
    const place = led(event.key, all.indexOf(event.target.closest("li")), across, all.length);
    if (place < 0) return;
    event.preventDefault();
    all[place].querySelector(event.target.tagName).focus();
  });
}
