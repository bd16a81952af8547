// From knobs to addresses and back. Pure: knows nothing of the page.

/** The knobs as they stand at first; `x` and `y` are the focal point on the upright original. */
export const DEFAULTS = {
  w: 800, h: 600, n: 1, fit: "clip", enlarge: true,
  gravity: "center", x: 0.5, y: 0.5, rotate: "0", flip: "",
  format: "auto", automatic: true, quality: 80, animate: true,
  bg: "#ffffff", clear: false, preset: "",
};

/** Knobs that the server describes, by the names of their parameters. */
export const TOLD = {};

/** Know them. */
export function learn(knobs) {
  Object.assign(TOLD, knobs);
  for (const name in knobs) DEFAULTS[name] = knobs[name].default;
}

const GEOMETRY = ["fit", "gravity", "rotate", "flip", "bg", "enlarge"];

/** Knobs that a query parameter of another name speaks for. */
const KNOBS = { quality: ["automatic", "quality"], bg: ["bg", "clear"] };

const quoted = (text) => encodeURIComponent(text).replace(/'/g, "%27").replace(/%2C/g, ",");

/** Knob → why it has no effect just now; a knob that has one is not in it. */
export function reasons(knobs, facts, preset) {
  const why = {};
  const boxed = knobs.w > 0 && knobs.h > 0;
  const fit = boxed ? (preset.fit ?? knobs.fit) : "clip";
  const { format } = knobs;
  const shout = format.toUpperCase();
  if (!boxed) why.fit = "It takes a width and a height.";
  if (fit !== "crop" && fit !== "canvas") why.gravity = "It takes effect with fit crop or canvas.";
  if (format === "png" || format === "gif") {
    why.automatic = why.quality = `${shout} has none.`;
  } else if (knobs.automatic) {
    why.quality = "It is automatic.";
  }
  if (format === "gif") why.colour = "GIF has none.";
  if (format !== "jpg" && format !== "auto") why.hdr = "Only JPG keeps it.";
  if (format === "jpg" || format === "png") why.animate = `${shout} stands still.`;
  else if (facts?.frames === 1) why.animate = "This picture stands still.";
  if (fit !== "canvas" && !knobs.pad && (format !== "jpg" || facts?.has_alpha === false)) {
    why.bg = why.clear = "Only a canvas or a pad shows it.";
  } else if (format === "jpg") {
    why.clear = "JPG has no transparency.";
  } else if (knobs.clear) {
    why.bg = "It is transparent.";
  }
  for (const name in preset) {
    for (const knob of KNOBS[name] ?? [name]) why[knob] = "The preset sets it.";
  }
  return why;
}

/**
 * The query parameters that say more than the defaults, as pairs, in the order that the helpers of
 * applications write; `focus` is the saved one.
 */
export function parameters(knobs, why, preset, session, focus) {
  const found = [];
  const say = (name, changed, value, knob = name) => {
    if (changed && !why[knob]) found.push([name, String(value)]);
  };
  say("fit", knobs.fit !== "clip", knobs.fit);
  // On a canvas nothing is cut off; a crop without gravity keeps the focus that is saved.
  const canvas = ["center", "smart", "auto"];
  const crop = focus === null ? ["center"] : [];
  const centred = (preset.fit ?? knobs.fit) === "canvas" ? canvas : crop;
  say("gravity", !centred.includes(knobs.gravity), gravity(knobs, preset));
  say("quality", !knobs.automatic, knobs.quality, "automatic");
  for (const name in TOLD) say(name, knobs[name] !== DEFAULTS[name], knobs[name]);
  say("rotate", knobs.rotate !== "0", knobs.rotate);
  say("flip", knobs.flip, knobs.flip);
  if (knobs.clear && !why.clear) found.push(["bg", "transparent"]);
  else say("bg", knobs.bg !== "#ffffff", knobs.bg.slice(1));
  say("enlarge", knobs.enlarge !== session.enlarge, knobs.enlarge);
  say("animate", !knobs.animate, false);
  if (knobs.preset) found.push(["preset", knobs.preset]);
  const place = ([name]) => session.order.indexOf(name);
  return found.sort((one, other) => place(one) - place(other));
}

/** What `gravity` says: the server counts a focal point on the picture as it is turned. */
function gravity(knobs, preset) {
  if (knobs.gravity !== "focal") return knobs.gravity;
  let { x, y } = knobs;
  const flip = preset.flip ?? knobs.flip;
  for (let turns = Number(preset.rotate ?? knobs.rotate) / 90; turns > 0; turns--) {
    [x, y] = [1 - y, x];
  }
  if (flip.includes("h")) x = 1 - x;
  if (flip.includes("v")) y = 1 - y;
  return [x, y].map((part) => Number(part.toFixed(3))).join(",");
}

/** The address of a rendition, relative to the root of the server. */
export function address(id, { w, h, n }, extension, query) {
  const dense = n > 1 ? `_${n}x` : "";
  const said = query.map(([name, value]) => `${name}=${quoted(value)}`).join("&");
  return `${quoted(id)}_${w}_${h}${dense}.${extension}${said && `?${said}`}`;
}

/** The address of the same pixels before they were encoded, to compare with. */
export function reference(id, knobs, query, preset) {
  const all = new Map([...Object.entries(preset), ...query]);
  const shape = [...all].filter(([name]) => GEOMETRY.includes(name) || TOLD[name]?.shape);
  return address(id, knobs, "png", shape);
}

/** `address` with a parameter more. */
export const plus = (path, more) => `${path}${path.includes("?") ? "&" : "?"}${more}`;

/** What the rendition is called as a file; `type` is its media type. */
export function fileName(id, knobs, type) {
  const ending = knobs.format === "auto" ? (type.split("/")[1] ?? "jpg") : knobs.format;
  const name = id.replace(/[^\w.-]+/g, "-").replace(/^-+/, "");
  return `${name || "picture"}.${ending.replace("jpeg", "jpg")}`;
}

/** The fragment that remembers a picture, its knobs, and the view that is shown. */
export function fragment(id, knobs, session, view = "") {
  const { w, h, gravity } = knobs;
  const said = new URLSearchParams({ id, w, h, gravity });
  for (const [name, value] of Object.entries(knobs)) {
    const usual = name === "enlarge" ? session.enlarge : DEFAULTS[name];
    if (!said.has(name) && value !== usual) said.set(name, value);
  }
  if (view && view !== "rendition") said.set("view", view);
  return `#${said}`;
}

/** What a fragment remembers: the id, those knobs that make sense, and the view. */
export function remembered(hash) {
  const said = new URLSearchParams(hash.slice(1));
  const knobs = {};
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    const text = said.get(name);
    if (text === null) continue;
    if (typeof usual === "boolean") knobs[name] = text === "true";
    else if (typeof usual === "string") knobs[name] = text;
    else if (text !== "" && Number(text) >= (TOLD[name]?.min ?? 0)) knobs[name] = Number(text);
  }
  return { id: said.get("id") ?? "", knobs, view: said.get("view") ?? "" };
}
