// The form of knobs: reads it, writes it, and says of each knob why it has no effect.

import { DEFAULTS, TOLD } from "./address.js";
import { byId, make, on } from "./page.js";

const form = byId("knobs");
const focal = { x: DEFAULTS.x, y: DEFAULTS.y };
const names = () => Object.keys(DEFAULTS).filter((name) => name !== "x" && name !== "y");

const usual = (knob) => (typeof DEFAULTS[knob] === "number" ? Number : String);

/** The knobs as they stand; a free side is 0. */
export function read() {
  const knobs = { ...focal };
  for (const name of names()) {
    const { type, checked, value } = form.elements[name];
    knobs[name] = type === "checkbox" ? checked : usual(name)(value);
  }
  return knobs;
}

/** Put the knobs so; what a control cannot say stays as it is by default. */
export function write(knobs) {
  for (const name of names()) {
    const control = form.elements[name];
    if (control.type === "checkbox") control.checked = knobs[name];
    else control.value = (name === "w" || name === "h") && !knobs[name] ? "" : knobs[name];
    if (control.tagName === "SELECT" && control.selectedIndex < 0) control.value = DEFAULTS[name];
  }
  aim(knobs.x, knobs.y);
  tell();
}

/** Move the focal point; `x` and `y` from 0 to 1, on the upright original. */
export function aim(x, y) {
  const within = (part) => Math.round(Math.min(1, Math.max(0, part)) * 1000) / 1000;
  return Object.assign(focal, { x: within(x), y: within(y) });
}

/** What is wrong with the knobs, as a sentence; empty where nothing is. */
export function wrong() {
  const bad = [...form.elements].find((each) => each.willValidate && !each.validity.valid);
  if (bad) return `${bad.labels[0].textContent}: ${bad.validationMessage}`;
  const { w, h } = read();
  return w || h ? "" : "Give a width, a height, or both.";
}

/** Switch off what has no effect, and say why beside it. */
export function explain(why) {
  for (const name of names()) {
    const control = form.elements[name];
    const reason = why[name] ?? "";
    const place = control.closest("p");
    control.disabled = Boolean(reason);
    let note = place.querySelector(".why");
    if (!note) {
      note = make("small", { className: "why", id: `why-${name}` });
      place.append(note);
      control.setAttribute("aria-describedby", note.id);
    }
    note.textContent = reason;
  }
}

/** Write beside each slider where it stands. */
function tell() {
  const now = read();
  byId("quality-value").value = now.automatic ? "auto" : now.quality;
  for (const name in TOLD) {
    if (TOLD[name].type === "range") byId(`${name}-value`).value = now[name] || "off";
  }
}

/** Add the knobs that the server describes. */
export function add() {
  for (const [id, { values, shape, default: usual, ...how }] of Object.entries(TOLD)) {
    const name = (id[0].toUpperCase() + id.slice(1)).replace("_", " ");
    const flag = how.type === "checkbox";
    const choices = values?.map((value) => make("option", { value }, value || "none"));
    const knob = make(values ? "select" : "input", { id, ...how }, ...(choices ?? []));
    const label = make("label", { htmlFor: id }, ...(flag ? [knob, name] : [name]));
    const place = make("p", { className: flag ? "tick" : "" }, label);
    if (!flag) place.append(knob);
    if (how.type === "range") place.append(make("output", { id: `${id}-value` }));
    byId(shape ? "shapes" : "effects").append(place);
  }
}

/** Offer what else this server has. */
export function offer({ presets, jxl }) {
  if (jxl) form.elements.format.append(make("option", {}, "jxl"));
  for (const name in presets) {
    form.elements.preset.append(make("option", {}, name));
  }
  byId("presets").hidden = form.elements.preset.options.length < 2;
}

/** Call `changed` whenever a knob has been turned, and `reset` when all shall go back. */
export function listen(changed, reset) {
  form.onsubmit = (event) => event.preventDefault();
  form.oninput = () => {
    tell();
    changed();
  };
  on("reset", "click", reset);
}
