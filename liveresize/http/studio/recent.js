// Pictures opened before: their ids, in this browser alone.

const KEY = "liveresize.studio.recent";
const MOST = 24;

/** The ids, the latest first. */
export function read() {
  try {
    const ids = JSON.parse(localStorage.getItem(KEY));
    return Array.isArray(ids) ? ids.filter((id) => typeof id === "string").slice(0, MOST) : [];
  } catch {
    return []; // storage that is closed, or holds what somebody else has put there
  }
}

function write(ids) {
  try {
    localStorage.setItem(KEY, JSON.stringify(ids.slice(0, MOST)));
  } catch {
    // Without storage they are forgotten, which is no reason to stop.
  }
}

/** Put an id first. */
export const add = (id) => write([id, ...read().filter((each) => each !== id)]);

export const forget = (id) => write(read().filter((each) => each !== id));
