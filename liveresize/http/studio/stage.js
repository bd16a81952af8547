// A picture in a viewport: zoom and pan, true to the pixels of the device. Knows nothing of the page.
//
//   const view = stage(viewport, content, { onchange, onplace, take });
//   view.size([width, height], density);  // of the picture; before that nothing is placed
//
// `viewport` is an element of the class "viewport" with tabindex=0, a role and a name: it listens to
// keys (0 fit, 1 for 1:1, + and −, arrows), the wheel, dragging and pinching. `content` is placed in it
// (class "staged"), and holds one picture or several, one over the other. Where the room is large, fit
// makes the picture as large as a page does that shows it with this density, by default 1.
//
//   view.get()           {fit, scale, x, y}: device pixels for each pixel of the picture; the place in
//                        the middle of the viewport, as parts of the sides; whether it follows the room
//   view.set({scale})    any of these; for {fit: true} the rest does not matter
//   view.act(name)       as its button does: "fit", "one", "in", "out"
//   view.seen()          [left, top, right, bottom] of what is in sight, as parts of the sides
//   view.clear()         no picture
//   onchange(state)      after the user has moved or zoomed it, not after `set`; so several pictures
//                        are synchronised by `onchange: (state) => others.forEach((o) => o.set(state))`
//   onplace(state)       whenever it has been placed anew, for whatever reason
//   take(at, event)      asked when a pointer goes down at the parts `at` of the picture: a function
//                        that is given the parts from then on takes the pointer away from panning
//
//   const tell = controls(group, view.act);  // buttons with data-zoom="fit", "one", "in" and "out"
//   tell(state);                             // writes the percentage into the <output> of the group

const STEPS = [0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 12, 16];
const MOST = STEPS.at(-1);
const SQUARES = 2; // from this scale on, each pixel is a square
const STRIDE = 64; // pixels of CSS for an arrow key
const LINE = 16; // the same for a line of a wheel
const NOTCH = 25; // and what a wheel zooms by at once
const KEYS = { 0: "fit", 1: "one", "+": "in", "=": "in", "-": "out" };
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const between = (low, value, high) => Math.max(low, Math.min(value, high));

/** The scale at which a picture fits into the room, both [width, height]; not above `most`. */
export const fitting = (size, room, most = 1) =>
  Math.min(most, room[0] / size[0], room[1] / size[1]);

/** The next usual scale above (1) or below (-1) this one. */
export function step(scale, way) {
  const far = (each) => way * (each / scale - 1) > 0.001;
  return (way > 0 ? STEPS.find(far) : STEPS.findLast(far)) ?? scale;
}

const middle = (part, side, room) =>
  side <= room ? 0.5 : between(room / 2 / side, part, 1 - room / 2 / side);

/** Where a picture is in the room: as `state`, but no farther than its edges; in whole pixels. */
export function placed({ scale, x, y }, size, room) {
  const [width, height] = size.map((side) => side * scale);
  [x, y] = [middle(x, width, room[0]), middle(y, height, room[1])];
  const left = Math.round(room[0] / 2 - x * width);
  const top = Math.round(room[1] / 2 - y * height);
  return { x, y, left, top, width, height };
}

/** The state with another scale, in which the place at `at` of the room stays there. */
export function around(state, scale, at, size, room) {
  const shift = (axis) =>
    ((at[axis] - room[axis] / 2) / size[axis]) * (1 / state.scale - 1 / scale);
  return { fit: false, scale, x: state.x + shift(0), y: state.y + shift(1) };
}

export function stage(viewport, content, { onchange, onplace, take } = {}) {
  const pointers = new Map(); // where each that is down was last
  let follow = null;
  let size = null;
  let density = 1;
  let wish = { fit: true, scale: 1, x: 0.5, y: 0.5 };
  let now = wish; // what has become of it in the room that there is

  let inner = [0, 0]; // sides of the viewport; asking for them would lay the page out each time

  const room = () => inner.map((side) => side * devicePixelRatio);

  const fitted = (space) => fitting(size, space, devicePixelRatio / density);

  const at = (event) => {
    const { left, top } = viewport.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    return [x - viewport.clientLeft, y - viewport.clientTop].map((c) => c * devicePixelRatio);
  };

  const parts = ([x, y]) => [(x - now.left) / now.width, (y - now.top) / now.height];

  function place() {
    const space = room();
    if (!size || !space[0] || !space[1]) return;
    const fit = fitted(space);
    const scale = wish.fit ? fit : between(Math.min(fit, 1), wish.scale, MOST);
    now = { fit: wish.fit, scale, ...placed({ ...wish, scale }, size, space) };
    for (const side of ["left", "top", "width", "height"]) {
      content.style.setProperty(side, `${now[side] / devicePixelRatio}px`);
    }
    content.classList.toggle("squares", scale >= SQUARES);
    // What rounding leaves over is nothing to pan.
    const larger = now.width > space[0] + 1 || now.height > space[1] + 1;
    viewport.classList.toggle("larger", larger);
    onplace?.(get());
  }

  const get = () => ({ fit: now.fit, scale: now.scale, x: now.x, y: now.y });

  function set(state) {
    wish = { ...wish, fit: false, scale: now.scale, ...state };
    place();
  }

  const change = (state) => {
    set(state);
    onchange?.(get());
  };

  /** Smaller than that it fits, or than 1:1, it does not become. */
  function zoom(scale, where) {
    const space = room();
    const fit = fitted(space);
    if (scale <= fit && fit <= 1) change({ fit: true });
    else change(around(now, between(Math.min(fit, 1), scale, MOST), where, size, space));
  }

  /** Move what is seen by so many device pixels; whether there was anything to move. */
  function pan(across, down) {
    const next = { ...now, x: now.x + across / now.width, y: now.y + down / now.height };
    const { x, y } = placed(next, size, room());
    if (x === now.x && y === now.y) return false;
    change({ fit: now.fit, scale: now.scale, x, y });
    return true;
  }

  function act(name) {
    if (!size) return;
    const centre = room().map((side) => side / 2);
    if (name === "fit") change({ fit: true });
    else if (name === "one") change(around(now, 1, centre, size, room()));
    else zoom(step(now.scale, name === "in" ? 1 : -1), centre);
  }

  viewport.addEventListener("keydown", (event) => {
    if (event.target !== viewport || event.ctrlKey || event.metaKey || event.altKey) return;
    const way = WAYS[event.key];
    const name = KEYS[event.key];
    if (!size || !(way || name)) return;
    const far = STRIDE * devicePixelRatio;
    if (name) act(name);
    else if (!pan(way[0] * far, way[1] * far)) return;
    event.preventDefault();
  });

  viewport.addEventListener("wheel", (event) => {
    if (!size) return;
    const unit = event.deltaMode ? LINE : 1;
    const [across, down] = [event.deltaX * unit, event.deltaY * unit];
    if (event.ctrlKey || event.metaKey) {
      zoom(now.scale * Math.exp(-between(-NOTCH, down, NOTCH) / 100), at(event));
    } else if (!pan(across * devicePixelRatio, down * devicePixelRatio)) {
      return; // what is around scrolls
    }
    event.preventDefault();
  }, { passive: false });

  viewport.addEventListener("pointerdown", (event) => {
    if (event.button || !size) return;
    event.preventDefault(); // no dragging of an image itself
    viewport.focus({ preventScroll: true });
    viewport.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at(event));
    follow = (pointers.size === 1 && take?.(parts(at(event)), event)) || null;
    follow?.(parts(at(event)));
  });

  viewport.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before || !size) return;
    const here = at(event);
    pointers.set(event.pointerId, here);
    const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    if (other) {
      const far = (from) => Math.hypot(from[0] - other[0], from[1] - other[1]) || 1;
      zoom((now.scale * far(here)) / far(before), other);
    } else if (follow) {
      follow(parts(here));
    } else {
      pan(before[0] - here[0], before[1] - here[1]);
    }
  });

  viewport.addEventListener("lostpointercapture", (event) => {
    pointers.delete(event.pointerId);
    follow = null;
  });

  viewport.addEventListener("touchmove", (event) => {
    if (event.touches.length > 1 && event.cancelable) event.preventDefault();
  }, { passive: false });

  content.classList.add("staged");
  new ResizeObserver(() => {
    inner = [viewport.clientWidth, viewport.clientHeight];
    place();
  }).observe(viewport);
  addEventListener("resize", place); // the ratio of pixels may be another one

  return {
    get,
    set,
    act,
    size(sides, dense = 1) {
      [size, density] = [sides, dense];
      place();
    },
    clear() {
      size = null;
      viewport.classList.remove("larger");
    },
    seen() {
      const space = room();
      const within = (part) => between(0, part, 1);
      return [...parts([0, 0]), ...parts(space)].map(within);
    },
  };
}

/** Let buttons zoom; what is returned says in their group where it stands. */
export function controls(group, act) {
  const buttons = [...group.querySelectorAll("[data-zoom]")];
  for (const button of buttons) button.onclick = () => act(button.dataset.zoom);
  const of = (name) => buttons.find((each) => each.dataset.zoom === name);
  return ({ fit, scale }) => {
    group.querySelector("output").value = `${Math.round(scale * 100)} %`;
    of("fit").ariaPressed = String(fit);
    of("one").ariaPressed = String(scale === 1);
    of("in").disabled = scale >= MOST;
  };
}
