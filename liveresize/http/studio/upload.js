// One upload: its id, its token, and the bytes on their way, which go on where they were after a
// break.

import * as server from "./server.js";

const RESERVED = ["token", "purge", "ping", "upload", "robots", "favicon", "openapi"];
const ENDING = /\.(jpe?g|jfif|jpe|png|webp|avif|gif|json|auto)$/i;
const LONGEST = 60; // letters, of up to four bytes: a name has no more than 255

const SMALL = 1 << 20; // bytes of a file that is sent in one request
const PART = 16 << 20; // bytes of a part of others
const AGAIN = [0, 408, 409, 425, 429, 460, 502, 503, 504]; // statuses after which it may go on
const GONE = [403, 404, 410]; // statuses of an upload that the server does not have any more
const DELAYS = [500, 1000, 2000, 5000, 10_000, 20_000, 30_000]; // milliseconds
const TUS = { "Tus-Resumable": "1.0.0" };

/** An id that the server takes, out of the name of a file. */
export function suggested(name) {
  let id = name.normalize("NFC").replace(/\.[^.]+$/, "").replace(/[^\p{L}\p{N}._-]+/gu, "-");
  id = [...id.replace(/^[-_.]+|[-.]+$/g, "")].slice(0, LONGEST).join("");
  while (ENDING.test(id)) id = id.replace(ENDING, "-$1");
  if (/_\d+_\d+(_\d+x)?$/.test(id)) id = id.replace(/_(?=[\d_x]+$)/g, "-");
  return !id || RESERVED.includes(id.toLowerCase()) ? `picture-${id || "1"}` : id;
}

/** `sample-2` for `sample`, `sample-3` for `sample-2`: the next that is not `taken`. */
export function following(id, taken = []) {
  const [, stem, count] = /^(.*?)(?:-([2-9]|[1-9]\d))?$/su.exec(id);
  for (let number = Number(count ?? 1) + 1; ; number++) {
    if (!taken.includes(`${stem}-${number}`)) return `${stem}-${number}`;
  }
}

/** Whether what was refused with that status may go through later, as it is. */
export const passing = (status) => AGAIN.includes(status) || status === 401 || status >= 500;

/**
 * Send a file. `grant` is {id, pass, place} and keeps what was begun, so that another call goes on
 * with it; `token()` gives a token for it. `progress(sent)` is told in bytes, and `broken(why)`
 * before a pause.
 */
export async function send(file, grant, { token, progress, broken, signal }) {
  let delays = [...DELAYS];
  let furthest = 0;
  const further = (sent) => {
    if (sent > furthest) delays = [...DELAYS];
    furthest = Math.max(sent, furthest);
    progress(sent);
  };
  for (;;) {
    try {
      grant.pass ||= await token();
      signal.throwIfAborted();
      const way = file.size < SMALL ? atOnce : inParts;
      return await way(file, grant, further, signal);
    } catch (error) {
      const anew = grant.place && GONE.includes(error.status) && error.method === "HEAD";
      if (anew) grant.place = grant.pass = "";
      const delay = AGAIN.includes(error.status) || anew ? delays.shift() : undefined;
      if (delay === undefined) throw error;
      broken(error.message);
      await pause(delay, signal);
    }
  }
}

async function ask(method, path, headers, options) {
  const answer = await server.exchange(method, path, headers, options);
  if (answer.status < 300) return answer;
  throw Object.assign(server.refusal(answer.status, answer.responseText), { method });
}

/** The same bytes with the same token get the same answer, so that a lost one is asked for again. */
async function atOnce(file, { id, pass }, progress, signal) {
  // The bytes decide the format.
  const kind = file.type.startsWith("image/") ? file.type : "image/unknown";
  const headers = { "X-Token": pass, "Content-Type": kind };
  await ask("POST", server.segment(id), headers, { body: file, progress, signal });
}

/** By the protocol tus 1.0. */
async function inParts(file, grant, progress, signal) {
  let offset = 0;
  if (grant.place) {
    const head = await ask("HEAD", grant.place, TUS, { signal });
    offset = Number(head.getResponseHeader("Upload-Offset"));
  } else {
    const path = `_uploads/${server.segment(grant.id)}`;
    const headers = { ...TUS, "X-Token": grant.pass, "Upload-Length": file.size };
    const made = await ask("POST", path, headers, { signal });
    grant.place = `${path}/${made.getResponseHeader("Location").split("/").pop()}`;
  }
  for (;;) {
    const from = offset;
    const kind = "application/offset+octet-stream";
    const headers = { ...TUS, "Upload-Offset": from, "Content-Type": kind };
    const body = file.slice(from, from + PART);
    progress(from);
    const options = { body, signal, progress: (sent) => progress(from + sent) };
    const answer = await ask("PATCH", grant.place, headers, options);
    if (answer.status === 200) return;
    offset = Number(answer.getResponseHeader("Upload-Offset"));
  }
}

/** Remove what was begun, and give the token back, which would hold the id until it expires. */
export async function giveBack({ id, pass, place }) {
  for (const delay of place ? DELAYS.slice(0, 4) : []) {
    const { status } = await server.exchange("DELETE", place, TUS).catch(() => ({ status: 0 }));
    if (!AGAIN.includes(status)) break; // otherwise a part of it may still arrive
    await pause(delay);
  }
  // An empty upload uses it up.
  const headers = { "X-Token": pass, "Content-Type": "image/unknown" };
  if (pass) await server.exchange("POST", server.segment(id), headers).catch(() => {});
}

function pause(delay, signal) {
  return new Promise((done, fail) => {
    const timer = setTimeout(done, delay);
    const abort = () => {
      clearTimeout(timer);
      fail(new DOMException("", "AbortError"));
    };
    signal?.addEventListener("abort", abort, { once: true });
    addEventListener("online", done, { once: true }); // no reason to wait any longer
  });
}
