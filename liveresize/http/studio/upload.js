// Putting a picture in: a file, an id for it, a token, and the bytes on their way.

import { byId, bytes, number, on, say } from "./page.js";
import * as server from "./server.js";
import * as sheets from "./sheets.js";

const RESERVED = ["token", "purge", "ping", "upload", "robots", "favicon", "openapi"];
const ENDING = /\.(jpe?g|jfif|jpe|png|webp|avif|gif|json|auto)$/i;
const LONGEST = 60; // letters, of up to four bytes: a name has no more than 255

let file = null;
let sending = null;

/** An id that the server takes, out of the name of a file. */
export function suggested(name) {
  let id = name.normalize("NFC").replace(/\.[^.]+$/, "").replace(/[^\p{L}\p{N}._-]+/gu, "-");
  id = [...id.replace(/^[-_.]+|[-.]+$/g, "")].slice(0, LONGEST).join("");
  while (ENDING.test(id)) id = id.replace(ENDING, "-$1");
  if (/_\d+_\d+(_\d+x)?$/.test(id)) id = id.replace(/_(?=[\d_x]+$)/g, "-");
  return !id || RESERVED.includes(id.toLowerCase()) ? `picture-${id || "1"}` : id;
}

function choose(chosen) {
  if (!chosen || sending) return;
  file = chosen;
  sheets.show("gallery");
  byId("chosen").textContent = `${file.name}, ${bytes(file.size)}`;
  byId("id").value = suggested(file.name);
  byId("send").disabled = false;
  byId("upload-said").textContent = "";
  say(`Chosen: ${file.name}. Upload it as ${byId("id").value}.`);
}

function progress(sent, whole) {
  const share = Math.floor((100 * sent) / (whole || 1));
  byId("progress").value = share;
  byId("progress-text").value =
    sent < whole ? `${share} % of ${bytes(whole)}` : "All sent. The server stores it.";
}

/** Offer what can be done now, and keep the focus on something of it. */
function busy(on) {
  byId("choose").disabled = on;
  byId("send").disabled = on || !file;
  byId("cancel").hidden = byId("sending").hidden = !on;
  byId(on ? "cancel" : file ? "send" : "choose").focus();
}

/** Send the file that is chosen; the id that it has then. */
async function send(session) {
  const id = byId("id").value.trim();
  byId("upload-said").textContent = "";
  if (!file || sending) return null;
  if (file.size > session.max_upload_bytes) {
    throw new Error(`The image has more than ${bytes(session.max_upload_bytes)}.`);
  }
  sending = new AbortController();
  busy(true);
  progress(0, file.size);
  say(`Uploading ${file.name}.`);
  let pass = "";
  try {
    pass = await server.token(id, session.token, byId("upload-secret").value);
    sending.signal.throwIfAborted();
    await server.upload(id, file, pass, progress, sending.signal);
    file = null;
    byId("file").value = "";
    byId("chosen").textContent = `${id} is there. Drop another one anywhere on this page.`;
    return id;
  } catch (error) {
    // Otherwise the unused token would hold the id until it expires.
    if (pass && error.name === "AbortError") await server.release(id, pass);
    throw error;
  } finally {
    sending = null;
    busy(false);
  }
}

function listenForFiles() {
  const input = byId("file");
  on("choose", "click", () => input.click());
  input.onchange = () => choose(input.files[0]);
  const drop = byId("drop");
  let depth = 0;
  const hover = (by) => drop.classList.toggle("over", (depth = Math.max(0, depth + by)) > 0);
  document.ondragenter = () => hover(1);
  document.ondragleave = () => hover(-1);
  document.ondragover = (event) => event.preventDefault();
  document.ondrop = (event) => {
    event.preventDefault();
    hover(-depth);
    choose(event.dataTransfer?.files[0]);
  };
  document.onpaste = (event) => choose(event.clipboardData?.files[0]);
}

/** Call `uploaded` with the id of each picture put in, `refused` with what goes wrong. */
export function listen(session, uploaded, refused) {
  const most = `${number(Math.round(session.max_upload_bytes / 2 ** 17) / 8)} MiB`;
  const pixels = `${session.max_megapixels} megapixels`;
  byId("takes").textContent = `${session.input.join(", ")}; up to ${most} and ${pixels}`;
  byId("upload-secret-field").hidden = session.token !== "secret";
  listenForFiles();
  on("cancel", "click", () => sending?.abort());
  on("upload", "submit", async (event) => {
    event.preventDefault();
    try {
      const id = await send(session);
      if (id) await uploaded(id);
    } catch (error) {
      if (error.name === "AbortError") say("The upload was cancelled; nothing of it is kept.");
      else refused(error, "upload-said");
    }
  });
}
