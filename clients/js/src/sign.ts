import { createHmac } from "node:crypto";
import { SIGNED, SIGNED_OF_BUCKETS } from "./parameters.js";
import { BadParameter, MalformedUrl, base, escape, target, type Options } from "./url.js";

const LEAST_KEY = 16;

/** Return a signed URL; `key` is one of the server's `signing.keys`, `exp` its end in Unix seconds.
 *
 * A key is a secret: sign on your server, never on a page. */
export function signedUrl(
  name: string,
  width: number,
  height: number,
  options: Options & { density?: number; key: string; exp?: number | null },
): string {
  const { key, exp, ...rest } = options;
  return base(rest.base ?? "") + sign(target(name, width, height, rest), key, exp ?? undefined);
}

/** Sign a path with its query; `exp` replaces an existing one. */
export function sign(path: string, key: string, exp?: number): string {
  if (new TextEncoder().encode(key).length < LEAST_KEY) {
    throw new BadParameter(`A key of signatures has at least ${LEAST_KEY} bytes.`);
  }
  const [before, query] = halves(ascii(path), "?");
  const dropped = exp === undefined ? ["sig"] : ["sig", "exp"];
  const pairs = query.split("&").filter((pair) => pair && !dropped.includes(halves(pair, "=")[0]));
  if (exp !== undefined) pairs.push(`exp=${exp}`);
  const unsigned = `${before}?${pairs.join("&")}`;
  const mac = createHmac("sha256", key).update(normalised(unsigned)).digest("base64url");
  return `${unsigned}${pairs.length ? "&" : ""}sig=${mac}`;
}

/** Return an `exp` at least `seconds` from now, rounded up to a multiple of `step`.
 *
 * All pages within one `step` have the same URLs, so that browsers and caches can keep them. */
export function expiry(seconds: number, step = 3600, now = Date.now() / 1000): number {
  return Math.ceil((Math.floor(now) + seconds) / step) * step;
}

/** Return the text that is signed: the path, and the known parameters by name, the first of each. */
function normalised(path: string): string {
  const [before, query] = halves(path, "?");
  const ofBucket = before.slice(1).includes("/");
  const known = ofBucket ? [...SIGNED, ...SIGNED_OF_BUCKETS] : SIGNED;
  const values = new Map<string, string>();
  for (const pair of query.split("&")) {
    const [name, raw] = halves(pair, "=");
    if (known.includes(name) && name !== "sig" && !values.has(name)) {
      values.set(name, escape(unescape(raw)));
    }
  }
  const segments = before.split("/").map((each) => escape(unescape(each)));
  const pairs = [...values].sort(([a], [b]) => (a < b ? -1 : 1));
  return `${segments.join("/")}?${pairs.map(([name, value]) => `${name}=${value}`).join("&")}`;
}

function unescape(raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch {
    throw new MalformedUrl("A percent sign in the URL is not followed by two hex digits of UTF-8.");
  }
}

/** Escape what is not ASCII, and nothing else. */
function ascii(text: string): string {
  return text.replace(/[^\u0021-\u007e]+/gu, (each) => encodeURIComponent(each));
}

function halves(text: string, at: string): [string, string] {
  const index = text.indexOf(at);
  return index < 0 ? [text, ""] : [text.slice(0, index), text.slice(index + 1)];
}
