// On small screens: the pictures and the knobs below the stage, one at a time.

import { byId } from "./page.js";

const SMALL = "(width < 64rem)";

const buttons = () => [...byId("switch").children];

/** Show the sheet of that name and no other; none of them for an empty name. */
export function show(name) {
  for (const button of buttons()) {
    const { sheet } = button.dataset;
    button.ariaExpanded = String(sheet === name);
    byId(sheet).classList.toggle("folded", sheet !== name);
  }
}

/** The order of the document follows that of the screen: small ones have the stage first. */
function arrange({ matches: small }) {
  const desk = byId("desk");
  const focused = document.activeElement;
  if (small) desk.append(byId("gallery"), byId("knobs"));
  else desk.prepend(byId("gallery"));
  focused.focus();
}

export function listen() {
  for (const button of buttons()) {
    button.onclick = () => show(button.ariaExpanded === "true" ? "" : button.dataset.sheet);
  }
  const screen = matchMedia(SMALL);
  screen.onchange = arrange;
  arrange(screen);
  show("gallery");
}
