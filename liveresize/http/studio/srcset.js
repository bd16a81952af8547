// The view of srcset: which candidate a browser loads on screens of several widths, and what it weighs.

import { address, parameters, plus, reasons } from "./address.js";
import { formats, picture as markup } from "./markup.js";
import { byId, bytes, make, number, size } from "./page.js";
import { picture, ROOT } from "./server.js";

/** Widths of candidates, as docs/html.md recommends them. */
const WIDTHS = [400, 800, 1200, 1600];

/** Screens: width and height of the viewport. */
export const SCREENS = [[360, 640], [768, 1024], [1280, 720], [1920, 1080]];

const FONT = 16; // pixels of an em in `sizes`
const EXACT = ["crop", "canvas", "fill"];

const TERM = /([-+]?)\s*(\d*\.?\d+)(px|vw|r?em)\s*/gy;

/** A length of CSS in pixels, also a sum of some in calc(); NaN for others. */
export function length(text, viewport) {
  const units = { px: 1, vw: viewport / 100, em: FONT, rem: FONT };
  const sum = text.toLowerCase().replace(/^calc\((.*)\)$/, "$1").trim();
  const terms = [...sum.matchAll(TERM)];
  const whole = terms.map(([term]) => term).join("") === sum && terms.slice(1).every(([, sign]) => sign);
  const total = terms.reduce(
    (pixels, [, sign, count, unit]) => pixels + Number(sign + count) * units[unit], 0,
  );
  return sum && whole && total >= 0 ? total : NaN;
}

const CONDITION = /^\(\s*(?:(min|max)-width\s*:|width\s*([<>]=?|=))\s*([^()]+)\)\s*(and\s+)?/i;

/** Whether the conditions before a length hold; with what is left of the text. */
function conditions(text, viewport) {
  let holds = true;
  let found = CONDITION.exec(text);
  while (found) {
    const limit = length(found[3].trim(), viewport);
    const way = { min: ">=", max: "<=" }[found[1]?.toLowerCase()] ?? found[2];
    const more = way.includes(">") && viewport > limit;
    const less = way.includes("<") && viewport < limit;
    holds &&= more || less || (way.includes("=") && viewport === limit);
    text = text.slice(found[0].length);
    found = found[4] && CONDITION.exec(text);
  }
  return { holds, text };
}

/** How wide `sizes` says that the image is, in pixels; NaN for what is not understood here. */
export function slot(sizes, viewport) {
  for (const part of sizes.split(",")) {
    const { holds, text } = conditions(part.trim(), viewport);
    const wide = length(text, viewport);
    if (Number.isNaN(wide) || holds) return wide;
  }
  return viewport; // as if 100vw
}

/**
 * Which of `widths`, in ascending order, a browser loads into a room of `wide` CSS pixels: the first
 * that is not too small. Tried with Chromium 156, for pictures that it does not have yet.
 */
export function chosen(widths, wide, density) {
  const at = widths.findIndex((width) => width / wide >= density);
  return at < 0 ? widths.length - 1 : at;
}

/** The candidates of a shot, {w, h, n, width, said}, and the query that they have. */
export function candidates({ knobs, facts, session, preset, shown, query }) {
  const all = { ...knobs, ...preset };
  const boxed = knobs.w > 0 && knobs.h > 0 && EXACT.includes(all.fit);
  if (!boxed) {
    // The width is what comes back where the height is free.
    const free = { ...knobs, w: WIDTHS[0], h: 0 };
    query = parameters(free, reasons(free, facts, preset), preset, session, facts?.focus);
  }
  const [top, right = top, , left = right] = String(all.pad || 0).split(",").map(Number);
  const around = left + right;
  const limits = [session.max_width - around, session.max_height * (shown.width / shown.height)];
  if (facts) {
    const turned = Number(all.rotate) % 180 !== 0;
    const [width, height] = turned ? [facts.height, facts.width] : [facts.width, facts.height];
    limits.push(width); // more would be enlarged
    if (boxed && all.fit === "crop") limits.push((height * knobs.w) / knobs.h);
  }
  const most = Math.max(1, Math.floor(Math.min(...limits)));
  const widths = WIDTHS.filter((width) => width <= most);
  const ratio = (w) => Math.max(1, Math.floor((2 * w * knobs.h + knobs.w) / (2 * knobs.w)));
  const boxes = (widths.length ? widths : [most]).map((w) => {
    const width = w + around;
    return { w, h: boxed ? ratio(w) : 0, n: 1, width, said: `${width}w` };
  });
  return { boxes, query };
}

let shot = null; // what is shown, with `boxes` and its own `query`
let found = new Map(); // what came of the address of each candidate: {bytes, url, sides} or {why}
let version; // of the original
let listening = false;

const at = (box) => address(shot.id, box, formats(shot)[0], shot.query);

const of = (box) => found.get(at(box)) ?? {};

async function load(box, signal) {
  const path = at(box);
  try {
    const answer = await picture(plus(path, "proxy=true"), signal);
    const data = await answer.blob();
    const image = make("img", { src: URL.createObjectURL(data) });
    await image.decode().catch(() => {}); // its bytes count all the same
    const { src: url, naturalWidth, naturalHeight } = image;
    found.set(path, { bytes: data.size, url, sides: [naturalWidth, naturalHeight] });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    found.set(path, { why: error.message });
  }
  signal.throwIfAborted();
  draw();
}

/** A small page with the picture as often as it fits, drawn to scale. */
function screen([width, height], sizes, density) {
  const wide = slot(sizes, width);
  const box = shot.boxes[chosen(shot.boxes.map((each) => each.width), wide, density)];
  const { bytes: count, url, sides } = of(box);
  const ratio = shot.shown.height / shot.shown.width;
  const columns = Math.max(1, Math.floor(width / wide + 0.02));
  const rows = Math.ceil(height / (Math.min(wide, width) * ratio || 1));
  const tiles = Array.from({ length: Math.min(columns * rows, 60) }, (_, number) => {
    const seen = !number && url && sides[0];
    const tile = seen ? make("img", { alt: "", src: url }) : make("span");
    tile.style.setProperty("--share", Math.min(1, wide / width));
    tile.style.setProperty("--ratio", 1 / ratio);
    return tile;
  });
  const page = make("div", { className: "page" }, ...tiles);
  page.style.setProperty("--w", width);
  page.style.setProperty("--h", height);
  const lines = [count ? bytes(count) : "–", `${Math.round(wide)} of ${width} px`];
  const told = lines.map((text) => make("span", {}, text));
  const item = make("li", {}, page, make("strong", {}, box.said), ...told);
  return { item, box, bytes: count };
}

function row(box, screens) {
  const { bytes: count, why } = of(box);
  const users = screens.filter((each) => each.box === box);
  const cells = [size(...(of(box).sides ?? [box.width, "…"])), why ?? (count ? number(count) : "…")];
  const uses = users.map((each) => each.viewport).join(", ") || "–";
  const heading = make("th", { scope: "row" }, box.said);
  return make("tr", {}, heading, ...[...cells, uses].map((text) => make("td", {}, text)));
}

function draw() {
  const sizes = byId("srcset-sizes").value.trim();
  const density = Number(byId("srcset-density").value);
  const unread = SCREENS.some(([width]) => Number.isNaN(slot(sizes, width)));
  byId("srcset-said").textContent = unread
    ? "This view reads lengths in px, vw and em, sums of them in calc(), and conditions of the width that are joined by “and”."
    : "";
  if (!shot || unread) return;
  const screens = SCREENS.map((each) => ({ viewport: each[0], ...screen(each, sizes, density) }));
  byId("screens").replaceChildren(...screens.map(({ item }) => item));
  byId("candidates").replaceChildren(...shot.boxes.map((box) => row(box, screens)));
  byId("candidates-format").textContent = `${formats(shot)[0].toUpperCase()} bytes`;
  const total = screens.reduce((sum, each) => sum + each.bytes, 0);
  byId("srcset-total").textContent = total ? bytes(total) : "";
  const { sides } = of(shot.boxes[0]);
  const html = sides?.[0] ? markup(ROOT.href, shot, shot.boxes, sides, sizes) : "";
  byId("srcset-html").value = html;
}

function listen() {
  const layout = byId("srcset-layout");
  const field = byId("srcset-sizes");
  layout.onchange = () => {
    if (layout.value) field.value = layout.value;
    else field.focus();
    draw();
  };
  field.oninput = () => {
    layout.value = field.value;
    if (layout.selectedIndex < 0) layout.value = "";
    draw();
  };
  byId("srcset-density").onchange = draw;
  listening = true;
}

/** Show a shot. */
export async function update(told, signal) {
  if (!listening) listen();
  shot = { ...told, ...candidates(told) };
  const paths = shot.boxes.map(at);
  // What has another address, or another original, is not kept.
  for (const [path, { url }] of found) {
    if (paths.includes(path) && version === shot.facts?.sha256) continue;
    URL.revokeObjectURL(url);
    found.delete(path);
  }
  version = shot.facts?.sha256;
  draw();
  const queue = shot.boxes.filter((box) => !found.has(at(box)));
  const work = async () => {
    for (let box = queue.shift(); box; box = queue.shift()) await load(box, signal);
  };
  await Promise.all([work(), work()]);
}

/** Show none. */
export function clear() {
  for (const { url } of found.values()) URL.revokeObjectURL(url);
  found = new Map();
  shot = null;
  byId("screens").replaceChildren();
  byId("candidates").replaceChildren();
  byId("srcset-html").value = byId("srcset-total").textContent = "";
}
