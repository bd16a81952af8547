// What is wider than the window can be scrolled by keys as well, once it can have the focus.
function reach() {
  for (const each of document.querySelectorAll("pre, .table-wrapper")) {
    if (each.scrollWidth > each.clientWidth) each.tabIndex = 0;
    else each.removeAttribute("tabindex");
  }
}

addEventListener("load", reach);
addEventListener("resize", reach);
