// The gallery: the pictures of the server, or those that were opened before in this browser.

import { byId, complain, on } from "./page.js";
import * as recent from "./recent.js";
import * as server from "./server.js";
import * as grid from "./grid.js";

const PAGE = 60;
const PAUSE = 200; // milliseconds without a letter typed before the server is asked
const EMPTY = 5; // pages without a picture before it waits to be asked for more

let open = () => {}; // called with the id of a picture
let listing = null; // aborts what is asked for
let next = ""; // where the list goes on; empty at its end
let pause = 0;

const seen = new IntersectionObserver((entries) => entries[0].isIntersecting && more());

const local = () => byId("state").value === "recent";

/** What the list is asked for. */
function wanted() {
  const state = byId("state").value;
  return { prefix: byId("open-id").value.trim(), ...(state ? { [state]: "true" } : {}) };
}

/** List anew what is searched for, in the state that is chosen. */
export async function list() {
  clearTimeout(pause);
  listing?.abort();
  byId("open-said").textContent = next = "";
  byId("pictures-heading").textContent = local() ? "Recent pictures" : "Pictures";
  if (!local()) return load("", new AbortController());
  const ids = recent.read().filter((id) => id.startsWith(wanted().prefix));
  grid.show(ids.map((id) => ({ id })), open);
  finished();
}

/** Load the page behind `after`, and those behind it as long as they are empty. */
async function load(after, mine) {
  listing = mine;
  const pictures = byId("pictures");
  let found = 0;
  pictures.ariaBusy = "true";
  byId("more").disabled = true;
  try {
    for (let left = EMPTY; left && !found; left--) {
      const page = await server.pictures({ ...wanted(), after, limit: PAGE }, mine.signal);
      if (after) grid.add(page.pictures, open);
      else grid.show(page.pictures, open);
      after = next = page.next ?? "";
      found = page.pictures.length || !next;
    }
  } catch (error) {
    if (mine.signal.aborted) return;
    complain(error, "open-said");
  }
  finished(found);
}

const more = () => next && !byId("more").disabled && load(next, new AbortController());

/** Say that there are none, or offer more; and load it once that is in sight, if `going` on. */
function finished(going = true) {
  const button = byId("more");
  const none = !byId("pictures").childElementCount;
  const filtered = wanted().prefix || byId("state").value;
  byId("none").textContent = !none ? ""
    : local() && !wanted().prefix ? "None yet. Those you open are remembered in this browser, by id."
    : filtered ? "None like that." : "None yet.";
  byId("pictures").ariaBusy = null;
  byId("every").parentElement.hidden = none;
  button.hidden = !next;
  button.disabled = false;
  seen.unobserve(button); // observed anew, it is told whether it is in sight still
  if (next && going) seen.observe(button);
}

/** Mark the picture that is open, which is one of those that were opened before. */
export function opened(id) {
  if (id && local()) list();
  grid.mark(id);
}

/** These have just been put in, or put in anew: they come first. */
export async function arrived(ids) {
  for (const id of ids.toReversed()) recent.add(id);
  byId("open-id").value = "";
  if (!local()) byId("state").value = "";
  await list();
  if (local()) return ids.forEach((id) => grid.renew({ id }, open));
  try {
    // What begins with an id comes after it: the first is the picture itself.
    const found = ids.map((prefix) => server.pictures({ prefix, limit: 1 }));
    grid.add((await Promise.all(found)).flatMap(({ pictures }) => pictures), open, true);
    finished();
  } catch (error) {
    complain(error, "open-said");
  }
}

/** A picture has changed: its thumbnail too. */
export const renew = (picture) => grid.renew(picture, open);

/** A picture is not there any more. */
export function gone(id) {
  recent.forget(id);
  grid.remove(id);
  finished();
}

/** Call `visit` with the id of a picture to open, `many` with what to do with selected ones. */
export function listen(session, visit, many) {
  open = visit;
  // Without an admin secret the server does not say what it has.
  if (session.delete) byId("state").value = "";
  byId("states").hidden = !session.delete;
  byId("many-delete").hidden = byId("many-release").hidden = !session.delete;
  grid.listen((count) => {
    byId("many").hidden = !count;
    byId("many-count").value = `${count} selected`;
    byId("many-forget").hidden = !local();
  });
  on("every", "change", (event) => grid.selectAll(event.target.checked));
  for (const button of document.querySelectorAll("[data-many]")) {
    button.onclick = () => many(button.dataset.many, grid.selected());
  }
  on("more", "click", more);
  on("state", "change", list);
  on("open-id", "input", () => {
    clearTimeout(pause);
    pause = setTimeout(list, PAUSE);
  });
  on("open", "submit", async (event) => {
    event.preventDefault();
    if (!(await visit(byId("open-id").value.trim()))) return;
    byId("open-id").value = "";
    list();
  });
}
