// Speaks to the server: every request of the studio is made here.

/** Where the server's addresses begin, whatever prefix a proxy has put in front. */
export const ROOT = new URL("../", document.baseURI);

const PICTURES = "image/avif,image/webp,image/png,image/*;q=0.8";

/** What the user typed; nowhere else is it ever kept. */
let bearer = "";

/** The server said no, or nothing: `message` is its own sentence. */
class Refused extends Error {
  constructor(message, status = 0, code = "") {
    super(message);
    Object.assign(this, { status, code });
  }
}

const SILENT = "The server does not answer. Is it running?";

export function refusal(status, text) {
  let said = {};
  try {
    said = JSON.parse(text);
  } catch {
    // A proxy in front answers in words of its own.
  }
  return new Refused(said.error ?? `The server answered ${status}.`, status, said.code);
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

export const segment = (id) => encodeURIComponent(id);

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
export async function token(id, source, secret, overwrite = false) {
  const wanted = overwrite ? { id, overwrite } : { id };
  if (source === "studio") return (await send("POST", "_studio/token", wanted, authorised())).token;
  return (await send("POST", "token", source === "secret" ? { ...wanted, secret } : wanted)).token;
}

/**
 * A request whose `progress(sent)` is told in bytes; returns what was answered, whatever it is.
 * Aborts when `signal` does.
 */
export function exchange(method, path, headers, { body = null, progress, signal } = {}) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open(method, new URL(path, ROOT));
    for (const name in headers) request.setRequestHeader(name, headers[name]);
    if (progress) request.upload.onprogress = (event) => progress(event.loaded);
    request.onload = () => done(request);
    request.onerror = () => fail(new Refused(SILENT));
    request.onabort = () => fail(new DOMException("", "AbortError"));
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}

/** What the server counts, for those who may read it. */
export const metrics = (path) => ask(path, { headers: authorised() });

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
