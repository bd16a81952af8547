// The view of formats: the rendition in each of them side by side, with what it costs and how like the
// pixels before encoding it is.

import { address, parameters, plus, reasons } from "./address.js";
import { byId, make, number } from "./page.js";
import { picture } from "./server.js";
import { controls, stage } from "./stage.js";

const NAMES = { jpg: "JPEG", webp: "WebP", avif: "AVIF", jxl: "JPEG XL" };

/** How much less alike than the one most alike the best may be. */
export const NEAR = 0.005;

/** Which of them is best: the fewest bytes of those about as alike; -1 where none is measured. */
export function best(found) {
  const highest = Math.max(...found.map(({ ssim }) => ssim ?? -1));
  let winner = -1;
  found.forEach(({ ssim, bytes }, at) => {
    if (ssim === undefined || ssim < highest - NEAR) return;
    if (winner < 0 || bytes < found[winner].bytes) winner = at;
  });
  return winner;
}

/** Where a shot is in another format: as its knob would give it. */
export function path({ id, knobs, facts, preset, session }, format) {
  const turned = { ...knobs, format };
  const why = reasons(turned, facts, preset);
  const query = parameters(turned, why, preset, session, facts?.focus);
  return address(id, turned, format, query);
}

/** Formats that keep an animation. */
const MOVING = ["webp", "avif"];

let cards = []; // one for each format: its elements, and what was found of it
let known = ""; // what they are of
let worker = null;
let tell = null; // the zoom, to its buttons

/** How alike two pictures are, as {ssim, clear}: `clear` where the reference has transparency. */
function compared(reference, picture) {
  worker ??= new Worker(new URL("ssim.js", import.meta.url), { type: "module" });
  const { port1, port2 } = new MessageChannel();
  return new Promise((done) => {
    port1.onmessage = ({ data }) => {
      port1.close();
      done(data);
    };
    worker.postMessage({ reference, picture }, [port2]);
  });
}

/** A card for a format; `choose` is called when it is chosen. */
function card(format) {
  const name = NAMES[format];
  const pick = make("button", { ariaPressed: "false" }, name);
  pick.onclick = () => {
    const knob = byId("format");
    knob.value = format;
    knob.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const badge = make("span", { className: "badge", hidden: true }, "best");
  const image = make("img", { alt: `The rendition as ${name}` });
  const viewport = make("div", { className: "checker plate viewport", tabIndex: 0, role: "group" }, image);
  viewport.ariaLabel = `${name}, to zoom`;
  const share = make("span", { className: "meter" });
  const put = {};
  const rows = ["Bytes", "Time", "SSIM"].map((what) =>
    make("div", {}, make("dt", {}, what), make("dd", {}, (put[what] = make("output")))));
  const facts = make("dl", {}, ...rows);
  const item = make("li", {}, make("div", { className: "title" }, pick, badge), viewport, share, facts);
  const view = stage(viewport, image, {
    onchange: (state) => cards.forEach((other) => other.view !== view && other.view.set(state)),
    onplace: (state) => tell?.(state),
  });
  return { format, name, pick, badge, image, share, put, item, view, found: null };
}

function build({ jxl }) {
  cards = Object.keys(NAMES).filter((format) => format !== "jxl" || jxl).map(card);
  byId("formats").replaceChildren(...cards.map(({ item }) => item));
  tell = controls(byId("formats-zoom"), (name) => cards[0].view.act(name));
}

/** Forget what was found; the pictures stay until there are others. */
function forget() {
  known = "";
  for (const each of cards) {
    each.found = null;
    each.badge.hidden = true;
    for (const output of Object.values(each.put)) output.value = "…";
    each.share.style.setProperty("--share", 0);
    each.item.classList.add("old");
  }
}

/** Ask for a format; an error is what is found, too. */
async function load(card, path, density, signal) {
  const began = performance.now();
  const { put, image, view, name } = card;
  try {
    const answer = await picture(plus(path, "proxy=true"), signal);
    const data = await answer.blob();
    const cached = answer.headers.get("X-Cache")?.startsWith("HIT") ? " (cached)" : "";
    put.Time.value = `${Math.round(performance.now() - began)} ms${cached}`;
    put.Bytes.value = number(data.size);
    card.found = { data, bytes: data.size };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    put.Bytes.value = put.Time.value = "–";
    put.SSIM.value = error.message;
    card.found = { why: error.message };
  }
  card.item.classList.remove("old");
  URL.revokeObjectURL(image.src);
  view.clear();
  image.hidden = true;
  const { found } = card;
  if (!found.data) return;
  image.src = URL.createObjectURL(found.data);
  const shown = await image.decode().then(() => true, () => false);
  signal.throwIfAborted(); // another picture may have taken its place, and so have ended it
  image.hidden = !shown;
  if (shown) view.size([image.naturalWidth, image.naturalHeight], density);
  else found.why = `not shown: this browser has no ${name}`;
}

/** How much each weighs, against the heaviest. */
function weigh() {
  const heaviest = Math.max(...cards.map(({ found }) => found?.bytes ?? 0), 1);
  for (const { found, share } of cards) {
    share.style.setProperty("--share", (found?.bytes ?? 0) / heaviest);
  }
}

/** Measure how alike each is to the pixels before encoding, and mark the best. */
async function judge(shot, signal) {
  const { facts, knobs, preset } = shot;
  const moves = facts?.frames > 1 && knobs.animate && preset.animate !== "false";
  let reference = null;
  for (const { format, found, put } of cards) {
    if (moves && !MOVING.includes(format)) found.why ??= "stands still";
    if (!found.why && found.ssim === undefined) {
      reference ??= await (await picture(plus(path(shot, "png"), "proxy=true"), signal)).blob();
      const { ssim, clear } = await compared(reference, found.data);
      signal.throwIfAborted();
      if (clear && format === "jpg") found.why = "no transparency";
      else if (ssim === undefined) found.why = "not measured";
      else found.ssim = ssim;
    }
    put.SSIM.value = found.why ?? `${found.ssim.toFixed(4)}${moves ? ", first frame" : ""}`;
  }
  const winner = best(cards.map(({ found }) => found));
  cards.forEach(({ badge }, at) => (badge.hidden = at !== winner));
}

/** Show a shot in each format. */
export async function update(shot, signal) {
  byId("formats-said").textContent = "";
  if (!cards.length) build(shot.session);
  const paths = cards.map(({ format }) => path(shot, format));
  const now = [shot.facts?.sha256, ...paths].join("\n");
  if (now !== known) forget();
  known = now;
  for (const { pick, format } of cards) pick.ariaPressed = String(format === shot.knobs.format);
  // One after the other: together they would wait for each other, and the time would say so.
  for (const [at, card] of cards.entries()) {
    if (card.found) continue;
    await load(card, paths[at], shot.knobs.n, signal);
    weigh();
  }
  await judge(shot, signal);
}

/** Show none. */
export function clear() {
  forget();
  for (const { image, view } of cards) {
    image.hidden = true;
    view.clear();
  }
}
