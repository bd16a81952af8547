// What the server does, live: a tile for each of a few figures of /_metrics, ten minutes of them.

import { make, number } from "./page.js";

const EVERY = 5000; // milliseconds
const KEPT = 600; // seconds
const OVER = 60; // seconds that a rate, a ratio or a percentile is taken over
const GAP = 16; // seconds without a reading, after which a line is interrupted
const WIDTH = 120;
const HEIGHT = 28;

const PICTURES = ["hit", "rendition", "original", "object", "vip"]; // routes
const HIT = /^HIT/;
const LOOKED_UP = /^(HIT|HIT-MEMORY|MISS|COALESCED)$/;

const percent = (value) => (value === null ? null : 100 * value);

const TILES = [
  { name: "Hits", unit: "/s", of: (figures) => figures.hits },
  { name: "Renders", unit: "/s", of: (figures) => figures.renders },
  { name: "Hit ratio", unit: "%", of: (figures) => percent(figures.ratio), most: 100 },
  { name: "Response p95", unit: "ms", of: (figures) => figures.p95 },
  { name: "Queue", unit: "jobs", of: (figures) => figures.queue },
  { name: "Backlog", unit: "files", of: (figures) => figures.backlog },
];

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: -?\d+)?$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\[\\"n])*)"(?:,|$)/y;
const WORDS = { "+Inf": Infinity, "-Inf": -Infinity, NaN };

/** The samples of a text in the format of Prometheus: [name, labels, value]. */
export function parse(text) {
  const samples = [];
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [whole, name, inside = "", said] = SAMPLE.exec(line) ?? [];
    const value = WORDS[said] ?? Number(said);
    if (!whole || (Number.isNaN(value) && said !== "NaN")) throw new SyntaxError(line);
    samples.push([name, labels(inside, line), value]);
  }
  return samples;
}

function labels(inside, line) {
  const found = {};
  LABEL.lastIndex = 0;
  for (let at = 0; at < inside.length; at = LABEL.lastIndex) {
    const [, name, value] = LABEL.exec(inside) ?? [];
    if (!name) throw new SyntaxError(line);
    found[name] = value.replace(/\\(.)/g, (_, letter) => (letter === "n" ? "\n" : letter));
  }
  return found;
}

/** What the tiles use of a text that was read at `time`, in seconds. */
export function reading(text, time) {
  const told = { time, began: 0, hits: 0, looked: 0, renders: 0, took: {}, queue: 0, backlog: 0 };
  for (const [name, label, value] of parse(text)) {
    switch (name) {
      case "liveresize_process_start_time_seconds":
        told.began = value;
        break;
      case "liveresize_requests_total":
        if (HIT.test(label.cache)) told.hits += value;
        if (LOOKED_UP.test(label.cache)) told.looked += value;
        break;
      case "liveresize_renders_total":
        told.renders += value;
        break;
      case "liveresize_request_duration_seconds_bucket":
        if (PICTURES.includes(label.route)) told.took[label.le] = (told.took[label.le] ?? 0) + value;
        break;
      case "liveresize_jobs_queued":
        told.queue = value;
        break;
      case "liveresize_publish_backlog":
      case "liveresize_mirror_backlog":
        told.backlog += value;
    }
  }
  return told;
}

/** By how much a counter has grown; one that is smaller than before began again at 0. */
export const increase = (before, after) => (after < before ? after : after - before);

/** The quantile of a histogram, in the unit of its bounds; null if it is empty.
 *
 * `buckets` has, for each bound, the count of what is not above it. Within a bucket values are
 * taken to be spread evenly; what is above the last bound counts as that bound. */
export function quantile(buckets, part) {
  const bounds = Object.entries(buckets)
    .map(([bound, count]) => [WORDS[bound] ?? Number(bound), count])
    .sort(([one], [two]) => one - two);
  const whole = bounds.at(-1)?.[1] ?? 0;
  if (!whole) return null;
  const rank = part * whole;
  let [floor, below] = [0, 0];
  for (const [bound, count] of bounds) {
    if (bound === Infinity) break;
    if (count >= rank) return floor + ((bound - floor) * (rank - below)) / (count - below || 1);
    [floor, below] = [bound, count];
  }
  return floor;
}

/** What the tiles show, from two readings; without the first, or after a restart, what needs no
 * other reading. What is not known is null. */
export function figures(before, after) {
  const { queue, backlog } = after;
  const now = { hits: null, renders: null, ratio: null, p95: null, queue, backlog };
  if (!before || before.began !== after.began) return now;
  const grown = (name) => increase(before[name], after[name]);
  const rate = (name) => grown(name) / (after.time - before.time);
  const took = Object.entries(after.took).map(([bound, count]) => [
    bound,
    increase(before.took[bound] ?? 0, count),
  ]);
  const slow = quantile(Object.fromEntries(took), 0.95);
  return Object.assign(now, {
    hits: rate("hits"),
    renders: rate("renders"),
    ratio: grown("looked") ? grown("hits") / grown("looked") : null,
    p95: slow === null ? null : 1000 * slow,
  });
}

/** A number as people read it: two digits at least. */
export function shown(value) {
  if (value === null) return "–";
  return number(value < 10 ? Number(value.toPrecision(2)) : Math.round(value));
}

/** The SVG path of the points [seconds ago, value], with gaps where there were no readings. */
export function curve(points, most) {
  let last = Infinity;
  return points
    .map(([ago, value]) => {
      const x = (WIDTH * (KEPT - ago)) / KEPT;
      const y = HEIGHT - 1 - ((HEIGHT - 2) * value) / (most || 1);
      const at = `${x.toFixed(1)} ${y.toFixed(1)}`;
      const begins = last - ago > GAP;
      last = ago;
      return begins ? `M${at}h0` : `L${at}`; // one point alone is a dot
    })
    .join("");
}

const svg = (tag, attributes) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

function tile({ name, unit, of, most = 0 }) {
  const line = svg("path", {});
  const chart = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: "none",
    role: "img",
  });
  chart.append(line);
  const value = make("strong", { textContent: "–" });
  const read = make("p", {}, value, ` ${unit}`);
  const draw = (points) => {
    const known = points
      .map(([ago, told]) => [ago, of(told)])
      .filter(([, told]) => told !== null);
    const values = known.map(([, told]) => told);
    const last = points.length ? of(points.at(-1)[1]) : null;
    const [low, high] = [Math.min(...values), Math.max(...values)];
    value.textContent = shown(last);
    line.setAttribute("d", curve(known, most || high));
    const range = values.length ? `from ${shown(low)} to ${shown(high)} ${unit}` : "no figures yet";
    chart.setAttribute("aria-label", `${name}, last ten minutes: ${range}`);
  };
  draw([]);
  const element = make("li", { className: "tile" }, make("h3", { textContent: name }), read, chart);
  return { element, draw };
}

let halt = () => {};

/** Stop asking; what is drawn stays. */
export const stop = () => halt();

/** Draw the tiles into `place`, and ask for figures while it can be seen.
 *
 * `ask(path)` gives a response, or throws an error, with a `status` if the server refused. */
export function start(place, ask) {
  stop();
  const tiles = TILES.map(tile);
  const trouble = make("p", { className: "hint" });
  trouble.setAttribute("role", "status");
  place.replaceChildren(
    make("ul", { className: "tiles" }, ...tiles.map(({ element }) => element)),
    trouble,
  );
  const readings = [];
  const points = [];
  let [ended, seen, asking, asked, timer] = [false, false, false, -EVERY, 0];

  const say = (text) => {
    if (trouble.textContent !== text) trouble.textContent = text; // or it is read out each time
  };

  const learn = (text) => {
    const now = reading(text, performance.now() / 1000);
    while (readings.length && now.time - readings[0].time > OVER) readings.shift();
    points.push([now.time, figures(readings.find(({ began }) => began === now.began), now)]);
    readings.push(now);
    while (now.time - points[0][0] > KEPT) points.shift();
    const ago = points.map(([time, told]) => [now.time - time, told]);
    for (const { draw } of tiles) draw(ago);
  };

  const refused = (status) => {
    if (status !== 401 && status !== 403) return say("The figures cannot be read just now.");
    stop();
    return say("The server shows figures in admin.networks only, or with an admin secret.");
  };

  const tick = async () => {
    clearTimeout(timer);
    if (ended || asking || !seen || document.visibilityState !== "visible") return;
    const early = asked + EVERY - performance.now();
    if (early > 0) {
      timer = setTimeout(tick, early);
      return;
    }
    asking = true;
    asked = performance.now();
    try {
      const response = await ask("_metrics");
      const text = await response.text();
      if (ended) return;
      if (response.ok) {
        learn(text);
        say("");
      } else refused(response.status);
    } catch (error) {
      if (!ended) refused(error.status);
    } finally {
      asking = false;
    }
    tick();
  };

  const watcher = new IntersectionObserver((entries) => {
    seen = entries.at(-1).isIntersecting;
    tick();
  });
  watcher.observe(place);
  document.addEventListener("visibilitychange", tick);
  halt = () => {
    ended = true;
    clearTimeout(timer);
    watcher.disconnect();
    document.removeEventListener("visibilitychange", tick);
  };
}
