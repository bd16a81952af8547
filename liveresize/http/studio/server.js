// Speaks to the server: every request of the studio is made here.

/** Where the server's addresses begin, whatever prefix a proxy has put in front. */
export const ROOT = new URL("../", document.baseURI);

const PICTURES = "image/avif,image/webp,image/png,image/*;q=0.8";

/** What the user typed; nowhere else is it ever kept. */
let bearer = "";

/** The server said no, or nothing: `message` is its own sentence. */
class Refused extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

const SILENT = "The server does not answer. Is it running?";

function refusal(status, text) {
  let said = {};
  try {
    said = JSON.parse(text);
  } catch {
    // A proxy in front answers in words of its own.
  }
  return new Refused(said.error ?? `The server answered ${status}.`, status);
}

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(new URL(path, ROOT), { cache: "no-store", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(SILENT);
  }
  if (!response.ok) throw refusal(response.status, await response.text());
  return response;
}

const authorised = () => (bearer ? { Authorization: `Bearer ${bearer}` } : {});

const send = async (method, path, body, headers = {}) => {
  headers["Content-Type"] = "application/json";
  return (await ask(path, { method, body: JSON.stringify(body), headers })).json();
};

const segment = (id) => encodeURIComponent(id);

/** Send the secret, which may be empty; returns the session. */
export async function begin(secret) {
  // A header holds bytes, and the server compares those of UTF-8.
  bearer = String.fromCharCode(...new TextEncoder().encode(secret));
  try {
    return await (await ask("_studio/session", { headers: authorised() })).json();
  } catch (error) {
    bearer = "";
    throw error;
  }
}

/** A token to upload `id` with; `secret` is that of /token, where it asks for one. */
export async function token(id, source, secret) {
  if (source === "studio") return (await send("POST", "_studio/token", { id }, authorised())).token;
  return (await send("POST", "token", source === "secret" ? { id, secret } : { id })).token;
}

/** Upload a file; `progress(sent, whole)` is told in bytes. Aborts when `signal` does. */
export function upload(id, file, pass, progress, signal) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open("POST", new URL(segment(id), ROOT));
    request.setRequestHeader("X-Token", pass);
    // The bytes decide the format.
    const kind = file.type.startsWith("image/") ? file.type : "image/unknown";
    request.setRequestHeader("Content-Type", kind);
    request.upload.onprogress = (event) => progress(event.loaded, event.total);
    request.onload = () =>
      request.status === 200 ? done() : fail(refusal(request.status, request.responseText));
    request.onerror = () => fail(new Refused(SILENT));
    request.onabort = () => fail(new DOMException("", "AbortError"));
    signal.onabort = () => request.abort();
    request.send(file);
  });
}

/** What the server counts, for those who may read it. */
export const metrics = (path) => ask(path, { headers: authorised() });

/** Give an unused token back, by an empty upload. */
export async function release(id, pass) {
  const headers = { "X-Token": pass, "Content-Type": "image/unknown" };
  await ask(segment(id), { method: "POST", headers }).catch(() => {});
}

/** Facts of an original; null if not `open` to all, nor to this user. */
export async function facts(id, open) {
  if (open || bearer) {
    return (await ask(`${segment(id)}.json`, { headers: authorised() })).json();
  }
  await picture(`${segment(id)}_96_96.auto?fit=crop`); // the thumbnail is wanted anyway
  return null;
}

/** Change what is recorded of a picture; returns all that is then. */
export const change = (id, fields) => send("PATCH", segment(id), fields, authorised());

/** Save the focus of a picture, [x, y] or null; returns its facts. */
export const save = (id, focus) => change(id, { focus });

/** A page of the pictures of the server, by name: {pictures, next}. */
export async function pictures(query, signal) {
  const pairs = Object.entries(query).filter(([, value]) => value);
  const said = pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  return (await ask(`_pictures?${said}`, { headers: authorised(), signal })).json();
}

/** Delete a picture and all that was made of it. */
export const remove = (id) => ask(segment(id), { method: "DELETE", headers: authorised() });

/** The response for a rendition, never from the browser's cache. */
export const picture = (path, signal) => ask(path, { signal, headers: { Accept: PICTURES } });
