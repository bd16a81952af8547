// The crop frame on the original: it says the knob Rect, and the knob says it.

import * as knobs from "./knobs.js";
import { byId, make, on } from "./page.js";
import * as rect from "./rect.js";

const GRIPS = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 0.01;
const STRIDE = 0.1;
const FREE = 0.8; // of each side is a frame without a ratio at first
const SLACK = 4; // pixels that a click may move

const area = byId("focus-area");
const image = byId("original-image");
const crop = byId("crop");
const frame = byId("crop-frame");
const chips = byId("chips");

let size = null; // of the upright original
let box = null; // the frame; null where there is none
let chip = ""; // the ratio that it keeps, as its button says it
let sideways = false; // whether the rendition is turned by a quarter
let changed = null;

/** The ratio of the frame for a chip: that of what comes of it. */
function ratio(said) {
  if (!said) return 0;
  const [w, h] = said.split(":");
  return sideways ? h / w : w / h;
}

const percent = (part, side) => `${Math.round((100 * part) / side)} %`;

/** Show the frame that the knobs say. */
export function show({ rect: said, rotate }, facts, why, preset) {
  size = facts ? [facts.width, facts.height] : [image.naturalWidth, image.naturalHeight];
  sideways = Number(preset.rotate ?? rotate) % 180 !== 0;
  box = size[0] && !why ? rect.read(said, size) : null;
  if (box && !rect.has(box, ratio(chip))) chip = "";
  crop.hidden = !box;
  area.classList.toggle("cropped", Boolean(box));
  for (const button of chips.querySelectorAll("button")) {
    const { ratio: own } = button.dataset;
    button.disabled = Boolean(why) || (own === undefined && !box);
    if (own !== undefined) button.ariaPressed = String(Boolean(box) && own === chip);
  }
  byId("crop-hint").textContent = `Crop frame: ${why || describe()}`;
}

function describe() {
  if (!box) return "choose a ratio, or drag one on the picture.";
  const { x, y, w, h } = box;
  const edges = [["left", x, size[0]], ["top", y, size[1]], ["right", x + w, size[0]], ["bottom", y + h, size[1]]];
  for (const [name, at, side] of edges) area.style.setProperty(`--${name}`, `${(100 * at) / side}%`);
  const place = `${percent(x, size[0])} across, ${percent(y, size[1])} down`;
  frame.ariaLabel = `Crop frame, ${place}, ${percent(w, size[0])} wide, ${percent(h, size[1])} high`;
  return `${place}, ${w} × ${h} pixels of the original.`;
}

/** The middle of the frame, as parts of the sides; null without one. */
export const middle = () => box && [(box.x + box.w / 2) / size[0], (box.y + box.h / 2) / size[1]];

/** Put the frame there; what else shall be turned is in `more`. */
function put(next, more = {}) {
  const now = knobs.read();
  const whole = /^\d+(,\d+){3}$/.test(now.rect);
  knobs.write({ ...now, ...more, rect: next ? rect.write(next, size, whole) : "" });
  changed();
}

/** Follow a pointer from where it went down: `act` is given how far it has come, in pixels of the original. */
function hold(element, event, act) {
  if (event.button || !event.isPrimary) return;
  event.preventDefault();
  event.stopPropagation();
  element.setPointerCapture(event.pointerId);
  const ended = new AbortController();
  const follow = (type, listener) => element.addEventListener(type, listener, ended);
  follow("pointermove", (now) => {
    const { width, height } = area.getBoundingClientRect();
    const [across, down] = [now.clientX - event.clientX, now.clientY - event.clientY];
    if (!crop.classList.contains("held") && Math.hypot(across, down) < SLACK) return;
    crop.classList.add("held");
    act([(across / width) * size[0], (down / height) * size[1]]);
  });
  follow("lostpointercapture", () => {
    crop.classList.remove("held");
    ended.abort();
  });
}

/** A new frame, by a mouse or a pen: fingers scroll here. */
function draw(event) {
  if (!byId("focal").disabled || event.pointerType === "touch" || !size?.[0]) return;
  const { left, top, width, height } = area.getBoundingClientRect();
  const parts = [(event.clientX - left) / width, (event.clientY - top) / height];
  const from = parts.map((part, axis) => part * size[axis]);
  const kept = ratio(chip);
  hold(area, event, (by) => put(rect.drawn(from, by, size, kept)));
}

function choose({ ratio: said, width, height }) {
  chip = said;
  const { x, y } = knobs.read();
  const more = width ? { w: Number(width), h: Number(height), fit: "crop" } : {};
  if (said) put(rect.shaped(box, ratio(said), size, [x, y]), more);
  else put(box ?? rect.inner(FREE, size));
}

/** Call `moved` whenever the frame has been changed here. */
export function listen(moved) {
  changed = moved;
  for (const grip of GRIPS) {
    const handle = make("span", { className: "grip" });
    handle.dataset.grip = grip;
    crop.append(handle);
    handle.onpointerdown = (event) => {
      const [before, kept] = [box, ratio(chip)];
      frame.focus({ preventScroll: true });
      hold(handle, event, (by) => put(rect.resized(before, grip, by, size, kept)));
    };
  }
  frame.onpointerdown = (event) => {
    const before = box;
    frame.focus({ preventScroll: true });
    hold(frame, event, (by) => put(rect.moved(before, by, size)));
  };
  area.addEventListener("pointerdown", draw);
  frame.onkeydown = (event) => {
    const way = WAYS[event.key];
    if (!way || event.ctrlKey || event.metaKey) return;
    event.preventDefault(); // Alt and an arrow would leave the page
    const by = way.map((sign, axis) => sign * (event.shiftKey ? STRIDE : STEP) * size[axis]);
    const least = by.map((step) => Math.sign(step) * Math.max(1, Math.abs(step)));
    if (event.altKey) put(rect.resized(box, way[0] ? "e" : "s", least, size, ratio(chip)));
    else put(rect.moved(box, least, size));
  };
  for (const button of chips.querySelectorAll("[data-ratio]")) {
    button.onclick = () => choose(button.dataset);
  }
  on("uncrop", "click", () => {
    chip = "";
    put(null);
    chips.querySelector("[data-ratio]").focus(); // the button itself is off now
  });
}
