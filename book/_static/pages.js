// Whatever scrolls sideways can be reached and scrolled with the keyboard, and nothing
// else: formulas within a line are drawn beyond their boxes, but do not scroll.
function letKeyboardScroll() {
  const wide = ".bd-article :is(table, pre, mjx-container, figure)";
  for (const box of document.querySelectorAll(wide)) {
    const scrolls = /auto|scroll/.test(getComputedStyle(box).overflowX);
    if (scrolls && box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
// The theme's toggles of the table of contents are pictures alone.
function nameToggles() {
  for (const toggle of document.querySelectorAll("summary"))
    if (!toggle.textContent.trim() && !toggle.ariaLabel)
      toggle.ariaLabel = "Show or hide what belongs to this entry";
}
// A link to code that is folded away unfolds it.
function unfoldTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const fold = target?.closest("details:not([open])");
  if (!fold) return;
  fold.open = true;
  target.scrollIntoView();
}
addEventListener("DOMContentLoaded", nameToggles);
addEventListener("DOMContentLoaded", unfoldTarget);
addEventListener("hashchange", unfoldTarget);
addEventListener("load", letKeyboardScroll);
addEventListener("resize", letKeyboardScroll);
