// What the server does just now: tiles above the panes, loaded when they are first shown.

import { byId, complain, on } from "./page.js";
import { metrics } from "./server.js";

let started = false;

/** Offer the tiles; they ask for figures while they can be seen. */
export function listen() {
  const toggle = byId("activity-toggle");
  toggle.hidden = false;
  on("activity-toggle", "click", async () => {
    const shown = toggle.ariaExpanded !== "true";
    toggle.ariaExpanded = String(shown);
    byId("activity").hidden = !shown;
    if (started) return;
    started = true;
    try {
      (await import("./tiles.js")).start(byId("tiles"), metrics);
    } catch (error) {
      started = false;
      complain(error, "tiles");
    }
  });
}
