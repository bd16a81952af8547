// What all parts use of the page: its elements, its status line, how numbers are written.

export const byId = (id) => document.getElementById(id);

export const on = (id, event, act) => byId(id).addEventListener(event, act);

export const root = document.documentElement;

const SEEN = 5000; // milliseconds
const SEEN_WRONG = 15000;
let fading = 0;

/** Say what happened: read out, and seen for a while in a corner. */
export function say(text, wrong = false) {
  const status = byId("status");
  status.textContent = text;
  status.className = wrong ? "status wrong" : "status";
  clearTimeout(fading);
  fading = setTimeout(() => status.classList.add("old"), wrong ? SEEN_WRONG : SEEN);
}

/** Show an error, also beside its form; aborts are none. */
export function complain(error, place) {
  if (error.name === "AbortError") return;
  byId(place).textContent = error.message;
  say(error.message, true);
}

/** Call `follow` with where a pressed pointer is, as parts of the element's sides. */
export function drag(element, follow) {
  const move = (event) => {
    if (!element.hasPointerCapture(event.pointerId)) return;
    const box = element.getBoundingClientRect();
    follow((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  };
  element.onpointermove = move;
  element.onpointerdown = (event) => {
    if (event.button) return;
    event.preventDefault(); // no dragging of an image itself
    element.setPointerCapture(event.pointerId);
    move(event);
  };
}

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** A canvas that shows ImageData. */
export function drawn(image, properties = {}) {
  const { width, height } = image;
  const canvas = make("canvas", { width, height, ...properties });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** Ask before something is gone for good; whether it shall be. `act` is what the button says. */
export function sure(heading, text, act = "Delete") {
  const dialog = byId("confirm");
  byId("confirm-heading").textContent = heading;
  byId("confirm-text").textContent = text;
  byId("agree").textContent = act;
  dialog.returnValue = "keep";
  dialog.showModal();
  byId("keep").focus();
  return new Promise((answer) => {
    dialog.onclose = () => answer(dialog.returnValue === "agree");
  });
}

/** `3 pictures`, or `1 picture`. */
export const counted = (count) => `${number(count)} picture${count === 1 ? "" : "s"}`;

export const number = (value) => value.toLocaleString("en");

export const bytes = (count) => `${number(count)} bytes`;

export const size = (width, height) => `${width} × ${height}`;
