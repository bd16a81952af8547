/** The connection broke, or none came about. */
export class Interrupted extends Error {
  override name = "Interrupted";
}

export interface Exchange {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: Blob;
  /** Called with the bytes that are sent. */
  onProgress?: (sent: number) => void;
  signal?: AbortSignal;
}

export interface Answer {
  status: number;
  url: string;
  header: (name: string) => string | null;
  /** The body as JSON; undefined if it is none. */
  json: () => unknown;
}

/** Send a request. Throws Interrupted, and what `signal` aborts with.
 *
 * By XMLHttpRequest, which alone tells how much is sent; where there is none, by `fetch`. */
export function send(exchange: Exchange): Promise<Answer> {
  exchange.signal?.throwIfAborted();
  return typeof XMLHttpRequest === "undefined" ? byFetch(exchange) : byRequest(exchange);
}

function byRequest(exchange: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { signal } = exchange;
    const request = new XMLHttpRequest();
    const stop = (): void => request.abort();
    const ended = (): void => signal?.removeEventListener("abort", stop);
    request.open(exchange.method, exchange.url);
    for (const [name, value] of Object.entries(exchange.headers)) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => exchange.onProgress?.(event.loaded);
    request.onload = () => {
      ended();
      resolve({
        status: request.status,
        url: request.responseURL || exchange.url,
        header: (name) => request.getResponseHeader(name),
        json: () => parsed(request.responseText),
      });
    };
    request.onerror = () => {
      ended();
      reject(new Interrupted("The connection broke."));
    };
    request.onabort = () => {
      ended();
      reject(signal?.reason ?? new Interrupted("The request was ended."));
    };
    signal?.addEventListener("abort", stop);
    request.send(exchange.body ?? null);
  });
}

async function byFetch(exchange: Exchange): Promise<Answer> {
  try {
    const { method, headers, body, signal } = exchange;
    const response = await fetch(exchange.url, {
      method,
      headers,
      ...(body ? { body } : {}),
      ...(signal ? { signal } : {}),
    });
    const text = await response.text();
    exchange.onProgress?.(body?.size ?? 0);
    return {
      status: response.status,
      url: response.url || exchange.url,
      header: (name) => response.headers.get(name),
      json: () => parsed(text),
    };
  } catch (error) {
    if (exchange.signal?.aborted) throw exchange.signal.reason;
    throw new Interrupted(`The connection broke: ${String(error)}.`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
