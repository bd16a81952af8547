// The studio: what is open, and what follows from what.

import * as activity from "./activity.js";
import * as address from "./address.js";
import * as files from "./files.js";
import * as gallery from "./gallery.js";
import * as knobs from "./knobs.js";
import { byId, complain, on, root, say, size, sure } from "./page.js";
import * as original from "./picture.js";
import * as recent from "./recent.js";
import * as rendition from "./rendition.js";
import * as server from "./server.js";
import * as sheets from "./sheets.js";
import * as views from "./views.js";

const PAUSE = 150; // milliseconds without a turn of a knob before the server is asked

let session = null;
let open = null; // {id, facts} of the picture on the bench
let coming = null; // the one that was asked for last
let pause = 0;

/** Ask for the rendition that the knobs describe, once they rest. */
function turned() {
  if (!open) return;
  const now = knobs.read();
  const focus = open.facts?.focus;
  if (focus && now.gravity === "auto") Object.assign(now, knobs.aim(...focus));
  const preset = session.presets[now.preset] ?? {};
  const why = address.reasons(now, open.facts, preset);
  knobs.explain(why);
  original.mark(open.facts, why, preset);
  rendition.begin();
  views.wait();
  clearTimeout(pause);
  const problem = knobs.wrong();
  if (problem) {
    rendition.fail(new Error(problem));
    return;
  }
  pause = setTimeout(() => {
    render(now, preset, why);
    remember(now); // not at each turn: browsers refuse more than some twenty addresses in a second
  }, PAUSE);
}

/** Let the address of the page say what is shown. */
function remember(now) {
  history.replaceState(null, "", address.fragment(open.id, now, session, views.current()));
}

async function render(now, preset, why) {
  const { id, facts } = open;
  const query = address.parameters(now, why, preset, session, facts?.focus);
  const path = address.address(id, now, now.format, query);
  const pixels = address.reference(id, now, query, preset);
  const url = server.ROOT + path;
  byId("url").value = byId("show").href = url;
  byId("download").removeAttribute("href");
  const shown = await rendition.show(path, pixels, now, facts);
  if (!shown) return;
  byId("download").download = address.fileName(id, now, shown.type);
  byId("download").href = shown.blob;
  views.update({ id, facts, knobs: now, why, preset, session, query, path, pixels, url, shown });
}

const gravity = (facts) => (facts?.focus ? "auto" : "center");

/** The knobs for a picture that is new here: a box that it fills. */
function first(facts) {
  const { w, h } = address.DEFAULTS;
  const box = facts ? { w: Math.min(w, facts.width), h: Math.min(h, facts.height) } : {};
  return { ...address.DEFAULTS, enlarge: session.enlarge, ...box, gravity: gravity(facts) };
}

/** Open a picture; `turns` are its remembered knobs, `known` its facts. */
async function show(id, turns = null, known = null) {
  const mine = (coming = Symbol(id));
  const facts = known ?? (await server.facts(id, session.facts));
  if (mine !== coming) throw new DOMException("", "AbortError");
  if (open?.id !== id) rendition.fit();
  if (!turns) history.pushState(null, "", location.href); // `turned` gives it its own address
  open = { id, facts };
  recent.add(id);
  gallery.opened(id);
  sheets.show("knobs");
  root.dataset.open = "";
  document.title = `${id} – liveresize studio`;
  original.show(id, facts, session.facts);
  knobs.write({ ...first(facts), ...turns });
  turned();
}

/** Open a picture that the user asked for, and lead there; whether it is open. */
async function visit(id, place) {
  try {
    byId(place).textContent = "";
    await show(id);
    byId("picture-name").focus();
    return true;
  } catch (error) {
    refused(error, place);
    return false;
  }
}

function close() {
  clearTimeout(pause);
  rendition.clear();
  views.clear();
  open = null;
  gallery.opened("");
  sheets.show("gallery");
  delete root.dataset.open;
  document.title = "liveresize studio";
  root.dataset.state = "ready";
  history.replaceState(null, "", location.pathname);
}

/** The picture and the knobs of the fragment, as after a reload. */
async function restore() {
  clearTimeout(pause);
  const { id, knobs: turns, view } = address.remembered(location.hash);
  views.show(view);
  if (!id) return open && close();
  try {
    await show(id, turns);
  } catch (error) {
    complain(error, "open-said");
    if (error.status === 404) gallery.gone(id);
  }
}

/** A secret that is not right any more locks the page; all else is said at `place`. */
function refused(error, place) {
  if (error.status === 401 && root.dataset.lock) lock(error.message);
  else complain(error, place);
}

/** Save the focal point, or take the saved one away: null. */
async function save(focus) {
  const { id } = open;
  try {
    const facts = await server.save(id, focus);
    gallery.renew({ ...facts, id }); // with another thumbnail
    if (open?.id === id) await show(id, { ...knobs.read(), gravity: gravity(facts) }, facts);
    if (!focus) byId("picture-name").focus();
    say(`${focus ? "Saved" : "Removed"} the focal point of ${id}.`);
  } catch (error) {
    refused(error, "focal-hint");
  }
}

/** A picture is deleted. */
function gone(id) {
  if (open?.id === id) close();
  gallery.gone(id);
}

async function erase() {
  const { id } = open;
  try {
    await server.remove(id);
    gone(id);
    say(`Deleted ${id}.`);
    byId("choose").focus();
  } catch (error) {
    refused(error, "delete-hint");
  }
}

function listenForDeletion() {
  byId("delete").disabled = !session.delete;
  byId("delete-hint").textContent = session.delete
    ? "The original and all that was made of it, at once and for good."
    : "Off: set admin.secrets to delete pictures from here.";
  on("delete", "click", async () => {
    const text = `${open.id} and all that was made of it will be gone at once, for everybody.`;
    if (await sure("Delete this picture?", text)) erase();
  });
}

let queue = null;

/** The queue of uploads, loaded when there is something to upload. */
async function uploads() {
  if (queue) return queue;
  queue = await import("./queue.js");
  queue.listen(session, { uploaded, refused, visit: (id) => visit(id, "upload-said") });
  return queue;
}

/** Show what has been put in: the one that was chosen, or all that were, in the gallery. Where some
 * went `wrong`, their rows stay in sight. */
async function uploaded(ids, single, wrong) {
  gallery.arrived(ids);
  if (wrong) return;
  const renewed = ids.find((id) => id === open?.id);
  if (!single && open && !renewed) return;
  const id = renewed ?? ids[0];
  await visit(id, "upload-said");
  if (single) say(`Uploaded ${id}.`);
}

/** Do something with selected pictures. */
async function many(what, pictures) {
  const { run } = await import("./many.js");
  const turned = open ? knobs.read() : first(null);
  await run(what, pictures, { knobs: turned, session, gone, refused });
}

/** Copy what a field shows, or select it. */
async function copy(button) {
  const field = byId(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(field.value);
    say("Copied.");
  } catch {
    field.focus();
    field.select();
    say("The browser does not let this page copy. It is selected: press Ctrl+C, or ⌘C.");
  }
}

function listen() {
  knobs.listen(turned, () => {
    knobs.write(first(open.facts));
    turned();
  });
  original.listen(turned);
  byId("saving").hidden = !session.delete;
  on("save", "click", () => save(original.focus()));
  on("forget", "click", () => save(null));
  rendition.listen();
  activity.listen();
  sheets.listen();
  gallery.listen(session, (id) => visit(id, "open-said"), many);
  views.listen(() => {
    history.pushState(null, "", location.href);
    remember(knobs.read());
    sheets.show(["srcset", "code"].includes(views.current()) ? "" : "knobs");
    original.prepare();
  });
  files.listen(session, async (chosen) => {
    sheets.show("gallery");
    (await uploads()).add(chosen);
  });
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.onclick = () => copy(button);
  }
  listenForDeletion();
  addEventListener("hashchange", restore);
}

/** Start with the session; listeners are added once. */
async function enter(told) {
  const known = session;
  session = told;
  byId("lock").hidden = true;
  byId("desk").hidden = false;
  byId("code-signed").hidden = !told.signed;
  byId("server").textContent = `${told.version} · up to ${size(told.max_width, told.max_height)}`;
  root.dataset.state = "ready";
  if (!known) {
    address.learn(told.knobs);
    knobs.add();
    knobs.offer(told);
    listen();
  }
  gallery.list();
  await restore();
}

function lock(why = "") {
  byId("desk").hidden = true;
  byId("lock").hidden = false;
  byId("lock-said").textContent = why;
  root.dataset.state = "locked";
  byId("secret").focus();
  if (why) say(why, true);
}

async function start() {
  on("skip", "click", (event) => {
    event.preventDefault(); // the fragment is where the knobs are remembered
    byId("main").focus();
  });
  on("unlock", "submit", async (event) => {
    event.preventDefault();
    const told = await server.begin(byId("secret").value).catch((error) => lock(error.message));
    byId("secret").value = "";
    if (!told) return;
    say("Unlocked.");
    await enter(told);
    byId(open ? "picture-name" : "choose").focus();
  });
  if (root.dataset.lock) return lock();
  try {
    await enter(await server.begin(""));
  } catch (error) {
    root.dataset.state = "failed";
    byId("lock").hidden = false;
    byId("unlock").hidden = true; // no secret would help
    complain(error, "lock-said");
  }
}

start();
