// The original: the picture itself, its focal point, and what is known of it.

import { plus } from "./address.js";
import * as knobs from "./knobs.js";
import { byId, bytes, drag, drawn, make, number, root, size } from "./page.js";
import { ROOT } from "./server.js";
import { decode } from "./thumbhash.js";

const SHOWN = ["jpeg", "png", "webp", "gif", "avif"];
const WEIGHTY = 16 << 20;
const STEP = 0.01;
const STRIDE = 0.1;
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const area = byId("focus-area");
const marker = byId("focal");

let changed = null;
let marked = null; // what was told last
let crop = null; // what draws the crop frame, from when the view is first shown
let loading = null; // the promise of it

/** Show an original, `facts` being what is known of it, or null; `open`: to all. */
export function show(id, facts, open) {
  byId("picture-name").textContent = id;
  const image = byId("original-image");
  image.alt = `The original ${id}`;
  const whole = open && SHOWN.includes(facts.format) && facts.bytes <= WEIGHTY;
  const name = encodeURIComponent(id);
  const path = whole ? name : `${name}_1200_1200.auto?enlarge=false`;
  image.onload = () => facts || (marked && mark(...marked)); // its size is known now
  // A new picture under an old id has another hash.
  image.src = new URL(plus(path, `proxy=true&v=${facts?.sha256.slice(0, 8) ?? ""}`), ROOT);
  byId("facts").replaceChildren(...(facts ? listed(facts) : [fact("Facts", "not public here")]));
}

const fact = (name, ...told) =>
  make("div", {}, make("dt", {}, name), make("dd", {}, ...told));

function listed(facts) {
  const { width, height, sha256, dominant_color: colour, thumbhash: hash, focus } = facts;
  const swatch = make("span", { className: "swatch" });
  swatch.style.background = colour;
  const code = (text, title = "") => make("code", { title }, text);
  const uploaded = new Date(facts.uploaded_at).toLocaleString();
  const found = [
    fact("Size", size(width, height)),
    fact("Format", facts.format),
    fact("Bytes", bytes(facts.bytes)),
    fact("Frames", number(facts.frames)),
    fact("Transparency", facts.has_alpha ? "yes" : "no"),
    fact("Uploaded", make("time", { dateTime: facts.uploaded_at }, uploaded)),
    fact("SHA-256", code(`${sha256.slice(0, 12)}…`, sha256)),
  ];
  // A picture that was here before us may have neither yet.
  if (colour) found.push(fact("Colour", swatch, code(colour)));
  if (focus) found.push(fact("Focal point", place(focus)));
  if (hash) found.push(fact("ThumbHash", preview(hash), code(hash)));
  return found;
}

function preview(hash) {
  return drawn(decode(hash), { role: "img", ariaLabel: "Preview made of the ThumbHash" });
}

const place = ([x, y]) => `${Math.round(x * 100)} % across, ${Math.round(y * 100)} % down`;

/** Place the marker and the crop frame; `why` says what has no effect. */
export function mark(facts, why, preset) {
  const now = knobs.read();
  marked = [facts, why, preset];
  prepare();
  point(now, why.gravity, facts?.focus);
  crop?.show(now, facts, why.rect, preset);
  const middle = framed(now);
  byId("save").textContent = middle ? "Save middle as focal point" : "Save focal point";
  byId("save").disabled = Boolean(why.gravity) && !middle;
}

/** Load what draws the crop frame, once it is wanted. */
export async function prepare() {
  if (loading || root.dataset.view !== "original") return;
  loading = import("./crop.js");
  crop = await loading;
  crop.listen(changed);
  if (marked) mark(...marked);
}

/** The middle of the crop frame, where that is what *Save* saves: a point that was placed is meant. */
const framed = ({ gravity }) => (gravity === "focal" ? null : crop?.middle());

/** What there is to save as the focal point. */
export function focus() {
  const now = knobs.read();
  return framed(now) ?? [now.x, now.y];
}

function point({ x, y, gravity }, why, focus) {
  const off = Boolean(why);
  marker.style.left = `${x * 100}%`;
  marker.style.top = `${y * 100}%`;
  marker.disabled = off;
  marker.classList.toggle("used", ["focal", focus && "auto"].includes(gravity));
  area.classList.toggle("live", !off);
  byId("forget").disabled = !focus;
  const now = place([x, y]);
  const told = off ? why : `${now}. Drag it, or move it with the arrow keys.`;
  byId("focal-hint").textContent = `Focal point: ${told}`;
  marker.ariaDescription = off ? why : `${now}. The arrow keys move it.`;
}

/** Call `moved` whenever the focal point or the crop frame has been. */
export function listen(moved) {
  changed = moved;
  const aim = (x, y) => {
    knobs.write({ ...knobs.read(), x, y, gravity: "focal" });
    moved();
  };
  drag(area, (x, y) => {
    if (marker.disabled) return;
    marker.focus();
    aim(x, y);
  });
  marker.onkeydown = (event) => {
    const way = WAYS[event.key];
    if (!way) return;
    event.preventDefault();
    const { x, y } = knobs.read();
    const step = event.shiftKey ? STRIDE : STEP;
    aim(x + way[0] * step, y + way[1] * step);
  };
}
