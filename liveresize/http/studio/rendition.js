// The rendition: asks for it, shows it, compares it, and tells what it took.

import { plus } from "./address.js";
import { byId, bytes, complain, make, root, say, size } from "./page.js";
import { picture, ROOT } from "./server.js";
import { controls, stage } from "./stage.js";

const REACH = { touch: 24 }; // pixels from the line at which a pointer takes it
const NEAR = 12; // the same for others

const viewport = byId("viewport");
const frame = byId("frame");
const image = byId("rendition-image");
const original = byId("reference-image");
const slider = byId("compare");

let view = null; // the stage, once the page listens
let split = 0; // where the line is, as a part of the width of the picture
let asking = null;
let wanted = ""; // the address of the pixels to compare with
let compared = ""; // of which we have them
let fetching = "";

/** Say that a rendition is on its way; whatever was, is not any more. */
export function begin() {
  asking?.abort();
  asking = new AbortController();
  root.dataset.state = "working";
}

/** Say why there is none. */
export function fail(error) {
  root.dataset.state = "failed";
  empty();
  complain(error, "rendition-said");
}

/** Nothing is shown any more. */
export function clear() {
  asking?.abort();
  empty();
  byId("rendition-said").textContent = "";
  compared = ""; // another picture may get the same address
  delete root.dataset.url;
}

function empty() {
  frame.hidden = slider.disabled = true;
  view.clear();
  byId("ignored").textContent = "";
  for (const output of document.querySelectorAll(".outputs output")) output.value = "–";
  byId("server-timing").replaceChildren();
}

/**
 * Ask for `path` and show what comes; `other` is where its pixels are before encoding.
 * What came is told: {width, height, type, bytes, blob}, the last being an URL. Null where nothing did, or it was not waited for.
 */
export async function show(path, other, knobs, facts) {
  const mine = asking;
  const began = performance.now();
  try {
    // The bytes, not a redirect to the store.
    const answer = await picture(plus(path, "proxy=true"), mine.signal);
    const data = await answer.blob();
    const took = performance.now() - began;
    const shown = await display(data, knobs, mine.signal);
    tell(answer, data, shown, took, facts);
    wanted = other;
    slider.disabled = false;
    compare();
    const { pathname, search } = new URL(path, ROOT);
    root.dataset.url = pathname + search;
    root.dataset.state = "shown";
    return {
      width: shown.naturalWidth,
      height: shown.naturalHeight,
      type: data.type,
      bytes: data.size,
      blob: image.src,
    };
  } catch (error) {
    if (!mine.signal.aborted) fail(error);
    return null;
  }
}

/** Decode before showing, so that the page does not jump. */
async function display(data, knobs, signal) {
  const url = URL.createObjectURL(data);
  const next = new Image();
  next.src = url;
  try {
    await next.decode();
    signal.throwIfAborted();
  } catch {
    URL.revokeObjectURL(url);
    throw new Error(`This browser cannot show ${data.type}.`);
  }
  URL.revokeObjectURL(image.src);
  image.src = url;
  await image.decode(); // at once, for `next` has it
  const { naturalWidth: width, naturalHeight: height } = next;
  frame.hidden = false;
  view.size([width, height], knobs.n);
  byId("rendition-said").textContent = "";
  return next;
}

function tell(answer, data, shown, took, facts) {
  const put = (name, text) => (byId(`rendition-${name}`).value = text);
  const sides = size(shown.naturalWidth, shown.naturalHeight);
  put("bytes", bytes(data.size));
  put("size", sides);
  put("type", data.type);
  put("cache", answer.headers.get("X-Cache") ?? "–");
  put("time", `${Math.round(took)} ms`);
  const saved = facts && Math.round((1 - data.size / facts.bytes) * 100);
  put("saving", facts ? `${Math.abs(saved)} % ${saved < 0 ? "more" : "fewer"} bytes` : "–");
  image.alt = `The rendition, ${sides}`;
  time(answer.headers.get("Server-Timing"));
  const ignored = answer.headers.get("X-Ignored-Parameters");
  byId("ignored").textContent = ignored && `Ignored in the URL: ${ignored}`;
  const beyond = "That is more than this server makes: it led to the nearest it does. ";
  say(`${answer.redirected ? beyond : ""}Shown: ${sides}, ${bytes(data.size)}, ${data.type}.`);
}

/** One bar for each entry of `Server-Timing`, against the longest. */
function time(header) {
  const entries = (header ?? "").split(",").filter(Boolean).map((entry) => {
    const [name, ...details] = entry.trim().split(";");
    const duration = details.find((each) => each.startsWith("dur="));
    return { name, took: Number(duration?.slice(4) ?? 0) };
  });
  const longest = Math.max(...entries.map(({ took }) => took), 0.1);
  const bars = entries.map(({ name, took }) => {
    const bar = make("span", { className: "meter" });
    bar.style.setProperty("--share", took / longest);
    const value = make("span", { className: "took" }, `${took.toFixed(1)} ms`);
    return make("li", {}, make("span", {}, name), value, bar);
  });
  const none = make("li", { className: "hint" }, "None: nothing had to be rendered.");
  byId("server-timing").replaceChildren(...(bars.length ? bars : [none]));
}

/** Place the line: the slider goes over what is seen of the picture. */
function divide() {
  const [left, top, right, bottom] = view.seen();
  split = left + (slider.value / 100) * (right - left);
  frame.style.setProperty("--split", `${split * 100}%`);
  frame.style.setProperty("--middle", `${(top + bottom) * 50}%`);
}

/** Show the original left of the slider. */
async function compare() {
  const share = Number(slider.value);
  divide();
  const told = share ? `original on the left ${share} %` : "rendition alone";
  slider.ariaValueText = told;
  original.hidden = !share || compared !== wanted;
  if (!share || compared === wanted || fetching === wanted) return;
  const asked = (fetching = wanted);
  try {
    const data = await (await picture(plus(asked, "proxy=true"), asking.signal)).blob();
    if (asked !== wanted) return;
    URL.revokeObjectURL(original.src);
    original.src = URL.createObjectURL(data);
    compared = asked;
    original.hidden = slider.value === "0";
  } catch (error) {
    if (error.name === "AbortError") return;
    say(`There is nothing to compare with: ${error.message}`, true);
  } finally {
    if (fetching === asked) fetching = "";
  }
}

/** What a pointer moves that goes down there: the line, or null for the picture. */
function take([x, y], event) {
  if (slider.disabled) return null;
  const far = Math.abs(x - split) * frame.clientWidth;
  const near = !original.hidden && far < (REACH[event.pointerType] ?? NEAR);
  const within = x >= 0 && x <= 1 && y >= 0 && y <= 1;
  if (!near && (!within || viewport.classList.contains("larger"))) return null;
  return ([here]) => {
    const [left, , right] = view.seen();
    slider.value = (100 * (here - left)) / (right - left);
    compare();
  };
}

/** Show all of the picture, as for one that is new here. */
export const fit = () => view.set({ fit: true });

/** Follow the slider, the buttons, and a pointer on the pictures. */
export function listen() {
  slider.oninput = compare;
  const placed = (state) => {
    tell(state);
    divide();
  };
  view = stage(viewport, frame, { onplace: placed, take });
  const tell = controls(byId("zoom"), view.act);
}
