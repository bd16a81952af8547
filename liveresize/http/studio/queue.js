// The queue of uploads: a row for each file, of which two are on their way at a time.

import { byId, bytes, complain, counted, make, number, on, root, say, sure } from "./page.js";
import * as server from "./server.js";
import { following, giveBack, passing, send, suggested } from "./upload.js";

const AT_ONCE = 2;
const TRIES = 50; // ids that are tried, where the server does not say which are free

let rows = []; // {file, state, grant, input, …}, as they stand on the page
let session = null;
let tools = null; // {uploaded, refused, visit}
let begun = 0; // rows that were started since nothing was on its way

const named = (each) => each.input.value.trim();
const among = (...states) => rows.filter(({ state }) => states.includes(state));
const startable = () => rows.filter(({ state, again }) => state === "waiting" || again);

/** Put files into the queue; they wait to be named and sent. */
export function add(files) {
  const taken = rows.map(named);
  for (const file of files) {
    let id = suggested(file.name);
    if (taken.includes(id)) id = following(id, taken);
    taken.push(id);
    rows.push(row(file, id));
  }
  if (!files.length) return;
  byId("upload-said").textContent = "";
  refresh();
  for (const each of rows.slice(-files.length)) refuseLarge(each);
  const [first] = files;
  if (files.length > 1) say(`Chosen: ${counted(files.length)}.`);
  else if (rows.at(-1).state === "waiting") say(`Chosen: ${first.name}.`);
  if (!byId("queue").contains(document.activeElement)) byId("send").focus();
}

function row(file, id) {
  const each = { file, state: "waiting", grant: null };
  each.input = make("input", { value: id, autocomplete: "off", spellcheck: false, maxLength: 255 });
  each.bar = make("progress", { max: 100, ariaLabel: `Upload of ${file.name}` });
  each.text = make("small", { className: "hint" });
  each.said = make("p", { className: "said" });
  each.actions = make("div", { className: "actions" });
  const legend = make("legend", {}, file.name, make("small", {}, bytes(file.size)));
  const label = make("label", { className: "field" }, "Id", each.input);
  const parts = [legend, label, each.bar, each.text, each.said, each.actions];
  each.item = make("li", {}, make("fieldset", {}, ...parts));
  byId("queue").append(each.item);
  put(each, "waiting");
  return each;
}

function refuseLarge(each) {
  if (each.file.size <= session.max_upload_bytes) return;
  fail(each, new Error(`The image has more than ${bytes(session.max_upload_bytes)}.`));
}

/** Actions of a row, by what they are called. */
const ACTIONS = {
  Cancel: (each) => {
    if (each.control) return each.control.abort();
    begun--;
    put(each, "waiting");
  },
  Retry: (each) => start([each]),
  Open: (each) => tools.visit(named(each)),
  Replace: async (each) => {
    const id = named(each);
    const text = `${each.file.name} takes the place of ${id} at once, for everybody.`;
    if (!(await sure("Replace this picture?", text, "Replace"))) return;
    each.overwrite = true;
    start([each]);
  },
  Remove: (each) => {
    const next = each.item.nextElementSibling ?? each.item.previousElementSibling;
    remove(each);
    const focus = next?.querySelector("input:enabled, button");
    (focus ?? byId("choose")).focus();
  },
};

/** Which of them a row offers, by its state. */
const OFFERED = {
  waiting: ["Remove"],
  queued: ["Cancel"],
  running: ["Cancel"],
  failed: ["Retry", "Remove"],
  taken: ["Open", "Replace", "Remove"],
  done: [],
};

/** Let a row be in a state, and say `text` of it; the focus stays in it. */
function put(each, state, text = "") {
  each.state = state;
  each.again = false;
  each.text.textContent = text;
  if (state !== "failed" && state !== "taken") each.said.textContent = "";
  each.item.dataset.state = state;
  each.bar.hidden = state !== "running";
  each.input.disabled = !["waiting", "failed", "taken"].includes(state);
  const focused = each.actions.contains(document.activeElement);
  // Only with a secret may a token replace a picture.
  const may = (name) => name !== "Replace" || session.token !== "open";
  const offered = OFFERED[state].filter(may).map((name) => button(name, () => ACTIONS[name](each)));
  each.actions.replaceChildren(...offered);
  if (focused) (offered[0] ?? byId("choose")).focus();
  refresh();
}

const button = (text, onclick) => make("button", { type: "button", onclick }, text);

/** What the button says, and whether there is anything to do. */
function refresh() {
  const count = startable().length;
  byId("upload").hidden = !rows.length;
  byId("send").textContent = count > 1 ? `Upload ${counted(count)}` : "Upload";
  byId("send").disabled = !count;
}

function remove(each) {
  if (each.grant) giveBack(each.grant);
  each.item.remove();
  rows = rows.filter((other) => other !== each);
  refresh();
}

function fail(each, error) {
  put(each, "failed");
  each.again = passing(error.status);
  each.said.textContent = error.message;
  say(`${each.file.name}: ${error.message}`, true);
  refresh();
}

function start(some) {
  begun += some.length;
  for (const each of some) put(each, "queued", "Waits for its turn.");
  const [first] = some;
  say(some.length > 1 ? `Uploading ${counted(some.length)}.` : `Uploading ${first.file.name}.`);
  pump();
  if (document.activeElement === document.body || byId("send").disabled) {
    first.actions.firstChild?.focus();
  }
}

/** Send what waits for its turn, as far as there is room for it. */
function pump() {
  const room = AT_ONCE - among("running").length;
  for (const each of among("queued").slice(0, room)) run(each);
  if (!among("queued", "running").length) finish();
}

async function run(each) {
  const { file } = each;
  each.control = new AbortController();
  const { signal } = each.control;
  put(each, "running", "Begins.");
  const progress = (sent) => {
    each.bar.value = Math.floor((100 * sent) / (file.size || 1));
    each.text.textContent =
      sent < file.size ? `${each.bar.value} % of ${bytes(file.size)}` : "All sent. The server stores it.";
  };
  const broken = (why) => (each.text.textContent = `${why} It goes on by itself.`);
  try {
    await granted(each, (grant, token) => send(file, grant, { token, progress, broken, signal }));
    each.grant = null;
    put(each, "done", `Uploaded as ${named(each)}.`);
  } catch (error) {
    await stopped(each, error);
  }
  each.control = null;
  pump();
}

/** Call `use` with what the row has begun, and with what gives a token for it. */
async function granted(each, use) {
  for (let tries = each.numbered ? TRIES : 1; ; tries--) {
    const id = named(each);
    if (each.grant && each.grant.id !== id) await giveBack(each.grant);
    if (each.grant?.id !== id) each.grant = { id, pass: "", place: "" };
    const secret = byId("upload-secret").value;
    const token = () => server.token(id, session.token, secret, each.overwrite);
    try {
      return await use(each.grant, token);
    } catch (error) {
      if (error.code !== "id_taken" || tries < 2) throw error;
      each.input.value = following(id);
    }
  }
}

/** The upload of a row has come to its end, or to a stop: `error` says why. */
async function stopped(each, error) {
  const { grant } = each;
  if (!passing(error.status)) each.grant = null; // what is left of it is used up
  each.overwrite = each.numbered = false;
  if (error.name === "AbortError") {
    each.text.textContent = "Ends.";
    await giveBack(grant);
    put(each, "failed", "Cancelled; nothing of it is kept.");
    say("The upload was cancelled; nothing of it is kept.");
  } else if (error.code === "id_taken") {
    fail(each, error);
    put(each, "taken");
    await offerAnother(each);
  } else {
    fail(each, error);
    if (error.status === 401 && root.dataset.lock) tools.refused(error, "upload-said");
  }
}

/** Offer the next id that is free, as far as the server says. */
async function offerAnother(each) {
  const id = named(each);
  const stem = following(id).replace(/\d+$/, "");
  const ask = session.delete ? server.pictures({ prefix: stem, limit: 1000 }) : { pictures: [] };
  const { pictures } = await Promise.resolve(ask).catch(() => ({ pictures: [] }));
  const others = rows.filter((other) => other !== each).map(named);
  const free = following(id, [...others, ...pictures.map((picture) => picture.id)]);
  if (each.state !== "taken") return;
  const another = button(`Upload as ${free}`, () => {
    each.input.value = free;
    each.numbered = true;
    start([each]);
  });
  each.actions.lastChild.before(another);
}

/** Nothing is on its way any more: tell the page what has come. */
function finish() {
  const ids = among("done").map(named); // as they stand in the queue, whichever ended first
  const [single, wrong] = [begun === 1, begun - ids.length];
  begun = 0;
  for (const each of among("done")) remove(each);
  if (!single && ids.length) {
    say(`Uploaded ${counted(ids.length)}.${wrong ? ` ${number(wrong)} did not go in.` : ""}`, wrong > 0);
  }
  if (document.activeElement === document.body) byId("choose").focus();
  if (ids.length) tools.uploaded(ids, single, wrong > 0);
}

/** `tools`: `uploaded(ids, single, wrong)`, `refused(error, place)` and `visit(id)`. */
export function listen(told, given) {
  [session, tools] = [told, given];
  byId("upload-secret-field").hidden = session.token !== "secret";
  on("upload", "submit", (event) => {
    event.preventDefault();
    if (startable().length) start(startable());
  });
  on("clear-queue", "click", () => {
    for (const each of among("waiting", "failed", "taken")) remove(each);
    byId("choose").focus();
  });
  addEventListener("beforeunload", (event) => {
    if (among("queued", "running").length) event.preventDefault();
  });
}
