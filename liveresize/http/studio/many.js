// What is done with many pictures at once, a few at a time.

import { address, parameters, plus, reasons } from "./address.js";
import * as gallery from "./gallery.js";
import { byId, counted, make, number, say, sure } from "./page.js";
import * as server from "./server.js";

const AT_ONCE = 3;
const NAMED = 5; // ids in a question

/** Addresses of what the knobs stand for, of a picture, and with each preset in the same size. */
export function renditions({ id, focus }, knobs, session) {
  const others = Object.keys(session.presets).filter((preset) => preset !== knobs.preset);
  return [knobs.preset, ...others].map((preset) => {
    const turned = { ...knobs, preset };
    const set = session.presets[preset] ?? {};
    const query = parameters(turned, reasons(turned, { focus }, set), set, session, focus);
    return address(id, turned, knobs.format, query);
  });
}

async function warm(picture, { knobs, session }, signal) {
  for (const path of renditions(picture, knobs, session)) {
    await (await server.picture(plus(path, "proxy=true"), signal)).blob();
  }
}

const ACTS = {
  delete: ["Deleting", "Deleted", async ({ id }, { gone }) => {
    await server.remove(id);
    gone(id);
  }],
  release: ["Releasing", "Released", async ({ id }) => {
    gallery.renew(await server.change(id, { held: false }));
  }],
  warm: ["Warming", "Warmed", warm],
  forget: ["Removing", "Removed", async ({ id }) => gallery.gone(id)],
};

/** The question before so many pictures are deleted. */
export function question(ids) {
  const more = ids.length > NAMED ? ` and ${number(ids.length - NAMED)} more` : "";
  const named = ids.slice(0, NAMED).join(", ");
  return `${named}${more}: gone at once with all that was made of them, for everybody.`;
}

/** Call `act` with each of them, some at a time, until `signal` aborts; returns what failed. */
export async function each(items, act, told, signal) {
  const left = [...items];
  const failed = [];
  let done = 0;
  const work = async () => {
    while (left.length && !signal.aborted) {
      const item = left.shift();
      try {
        await act(item);
      } catch (error) {
        if (signal.aborted) return;
        failed.push({ id: item.id, error });
      }
      told(++done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { done, failed };
}

let doing = null;

/** Do something with pictures: one of ACTS. Shows how far it is, and what failed. */
export async function run(what, pictures, tools) {
  if (doing || !pictures.length) return;
  const ids = pictures.map(({ id }) => id);
  const all = counted(ids.length);
  if (what === "delete" && !(await sure(`Delete ${all}?`, question(ids)))) return;
  const [begins, ended, act] = ACTS[what];
  doing = new AbortController();
  const { signal } = doing;
  const bar = byId("doing-bar");
  const told = (done) => {
    bar.value = done;
    byId("doing-text").value = `${begins} ${number(done)} of ${all}`;
  };
  byId("doing-failed").replaceChildren();
  byId("doing").hidden = false;
  byId("doing-stop").onclick = () => doing.abort();
  bar.max = ids.length;
  told(0);
  say(`${begins} ${all}.`);
  const { done, failed } = await each(pictures, (picture) => act(picture, tools, signal), told, signal);
  const focused = byId("doing").contains(document.activeElement);
  byId("doing").hidden = true;
  doing = null;
  report(failed);
  const well = done - failed.length;
  const less = well < ids.length;
  const wrong = failed.length ? ` ${number(failed.length)} failed.` : "";
  say(`${ended} ${less ? `${number(well)} of ${all}` : all}.${wrong}`, failed.length > 0);
  if (focused || document.activeElement === document.body) byId("pictures-heading").focus();
  const locked = failed.find(({ error }) => error.status === 401);
  if (locked) tools.refused(locked.error, "open-said");
}

function report(failed) {
  const items = failed.map(({ id, error }) => make("li", {}, `${id}: ${error.message}`));
  byId("doing-failed").replaceChildren(...items);
}
