import { escape } from "./url.js";
import { shrunk, type Shrink } from "./shrink.js";
import { Interrupted, send, type Answer, type Exchange } from "./exchange.js";

export type { Shrink } from "./shrink.js";

/** What the server has stored. */
export interface Receipt {
  status: string;
  id: string;
  original_width: number;
  original_height: number;
  format: string;
  bytes: number;
  sha256: string;
}

/** The server refused an upload, or it could not be reached: `code` is then `network`. */
export class UploadFailed extends Error {
  override name = "UploadFailed";
  constructor(
    message: string,
    readonly code: string,
    readonly status: number,
  ) {
    super(message);
  }
}

export interface UploadOptions {
  /** The server, such as `https://images.example.com`. */
  server: string;
  /** The id that the token is for. */
  id: string;
  /** The answer of `POST /token`, or its `token` alone. */
  token: string | { token: string; shrink_to?: number };
  /** Called with the part that is sent, from 0 to 1. */
  onProgress?: (part: number) => void;
  /** Ends the upload; nothing of it stays on the server. */
  signal?: AbortSignal;
  /** A part of the upright picture, in pixels. */
  crop?: { x: number; y: number; width?: number; height?: number };
  /** Makes a large picture smaller before it is sent. By default as the token's answer says;
   * `false` sends what is there. */
  shrink?: Shrink | false;
  /** Whether an upload goes on where it was after a broken connection or a reload of the page.
   * By default files from `RESUMED` bytes on do. */
  resume?: boolean;
  /** Milliseconds before each further attempt. */
  delays?: readonly number[];
  /** Where the URLs of unfinished uploads are kept. By default `localStorage`, if there is one. */
  storage?: Pick<Storage, "getItem" | "setItem" | "removeItem">;
}

/** Bytes from which a file is uploaded in parts. */
export const RESUMED = 8 << 20;

/** Bytes of one part: what is lost when a proxy answers in the place of the server. */
const PART = 16 << 20;

const DELAYS = [0, 1000, 2000, 5000, 10_000, 20_000, 30_000] as const;

/** Milliseconds before each further attempt to end an upload, of which a part may still arrive. */
const ENDING = [200, 500, 1000, 2000] as const;

/** Statuses after which the same upload may go on. */
const AGAIN = [408, 409, 425, 429, 460, 500, 502, 503, 504];

/** Upload a picture, and return the receipt. Throws UploadFailed, and what `signal` aborts with. */
export async function upload(file: Blob, options: UploadOptions): Promise<Receipt> {
  const given = typeof options.token === "string" ? { token: options.token } : options.token;
  const shrink = options.shrink ?? asked(given);
  const body = shrink ? await shrunk(file, shrink) : file;
  options.signal?.throwIfAborted();
  const resume = options.resume ?? body.size >= RESUMED;
  return resume ? inParts(body, file, given.token, options) : atOnce(body, given.token, options);
}

function asked(token: { shrink_to?: number }): Shrink | false {
  if (!token.shrink_to) return false;
  return { maxSide: token.shrink_to };
}

/** Send all of it in one request. The same bytes with the same token get the same answer, so that
 * a lost answer is asked for once more. */
async function atOnce(body: Blob, token: string, options: UploadOptions): Promise<Receipt> {
  const exchange: Exchange = {
    method: "POST",
    url: `${root(options)}/${escape(options.id)}${query(options)}`,
    headers: { "Content-Type": "application/octet-stream", "X-Token": token },
    body,
    onProgress: (sent) => options.onProgress?.(body.size ? sent / body.size : 1),
    ...(options.signal ? { signal: options.signal } : {}),
  };
  return receipt(await persistently(options, () => send(exchange), (status) => status === 503));
}

/** Statuses of an upload that is not there any more. */
const GONE = [403, 404, 410];

/** Send it by tus 1.0. Its URL is kept, and so are its bytes, unless it ends or is aborted. */
async function inParts(
  body: Blob,
  file: Blob,
  token: string,
  options: UploadOptions,
): Promise<Receipt> {
  const storage = options.storage ?? globalThis.localStorage;
  const key = fingerprint(body, file, options);
  const tus = { "Tus-Resumable": "1.0.0" };
  const signal = options.signal ? { signal: options.signal } : {};
  const create = async (): Promise<string> => {
    const answer = await send({
      method: "POST",
      url: `${root(options)}/_uploads/${escape(options.id)}${query(options)}`,
      headers: { ...tus, "X-Token": token, "Upload-Length": String(body.size) },
      ...signal,
    });
    const location = answer.header("Location");
    if (answer.status !== 201 || !location) throw failed(answer);
    const made = new URL(location, answer.url).href;
    keep(() => storage?.setItem(key, made));
    return made;
  };
  const forget = (): void => void keep(() => storage?.removeItem(key));
  let place = keep(() => storage?.getItem(key)) ?? "";
  let offset = -1;
  const goOn = async (): Promise<Answer> => {
    for (;;) {
      if (!place) [place, offset] = [await create(), 0];
      if (offset < 0) {
        const head = await send({ method: "HEAD", url: place, headers: tus, ...signal });
        if (GONE.includes(head.status)) {
          place = "";
          forget();
          continue;
        }
        if (head.status >= 400) return head;
        offset = Number(head.header("Upload-Offset") ?? 0);
      }
      const from = offset;
      offset = -1; // unknown, should this part break off
      const answer = await send({
        method: "PATCH",
        url: place,
        headers: {
          ...tus,
          "Upload-Offset": String(from),
          "Content-Type": "application/offset+octet-stream",
        },
        body: body.slice(from, from + PART),
        onProgress: (sent) => options.onProgress?.(body.size ? (from + sent) / body.size : 1),
        ...signal,
      });
      if (answer.status !== 204) return answer;
      offset = Number(answer.header("Upload-Offset") ?? -1);
    }
  };
  try {
    const answer = await persistently(options, goOn);
    if (!AGAIN.includes(answer.status)) forget();
    return receipt(answer);
  } catch (error) {
    if (options.signal?.aborted) {
      forget();
      const end = (): Promise<Answer> => send({ method: "DELETE", url: place, headers: tus });
      const patient = { ...options, signal: undefined, delays: ENDING };
      if (place) await persistently(patient, end).catch(() => undefined);
    }
    throw error;
  }
}

/** Ask until there is an answer that stays. */
async function persistently(
  options: UploadOptions,
  ask: () => Promise<Answer>,
  again: (status: number) => boolean = (status) => AGAIN.includes(status),
): Promise<Answer> {
  const delays = [...(options.delays ?? DELAYS)];
  for (;;) {
    try {
      const answer = await ask();
      const delay = again(answer.status) ? delays.shift() : undefined;
      if (delay === undefined) return answer;
      await pause(Math.max(delay, 1000 * Number(answer.header("Retry-After") ?? 0)), options.signal);
    } catch (error) {
      const delay = error instanceof Interrupted ? delays.shift() : undefined;
      if (delay === undefined) {
        if (error instanceof Interrupted) throw new UploadFailed(error.message, "network", 0);
        throw error;
      }
      await pause(delay, options.signal);
    }
  }
}

function pause(delay: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, delay);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

function receipt(answer: Answer): Receipt {
  if (answer.status !== 200) throw failed(answer);
  return answer.json() as Receipt;
}

function failed(answer: Answer): UploadFailed {
  const found = answer.json() as { error?: string; code?: string } | undefined;
  return new UploadFailed(
    found?.error ?? `The server answered ${answer.status}.`,
    found?.code ?? "",
    answer.status,
  );
}

function root(options: UploadOptions): string {
  return options.server.replace(/\/+$/, "");
}

function query({ crop }: UploadOptions): string {
  const pairs = Object.entries(crop ?? {}).map(([name, value]) => `${name}=${value}`);
  return pairs.length ? `?${pairs.join("&")}` : "";
}

/** What an unfinished upload is known by: the same file to the same id. */
function fingerprint(body: Blob, file: Blob, options: UploadOptions): string {
  const { name = "", lastModified = 0 } = file as Partial<File>;
  const parts = [root(options), options.id, query(options), name, lastModified, file.size, body.size];
  return `liveresize:${JSON.stringify(parts)}`;
}

/** Return what `use` returns; nothing where the page may not keep anything. */
function keep<Value>(use: () => Value): Value | undefined {
  try {
    return use();
  } catch {
    return undefined;
  }
}
