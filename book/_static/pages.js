// Whatever scrolls sideways can be reached and scrolled with the keyboard, and nothing
// else: formulas within a line are drawn beyond their boxes, but do not scroll.
const WIDE = ".bd-article :is(table, pre, mjx-container, figure, .pf-line)";
// All are measured before any is changed: a change between two would lay out the page.
function letKeyboardScroll() {
  const boxes = [...document.querySelectorAll(WIDE)];
  const scrolls = boxes.map(
    (box) =>
      box.scrollWidth > box.clientWidth &&
      /auto|scroll/.test(getComputedStyle(box).overflowX),
  );
  boxes.forEach((box, i) => {
    if (scrolls[i]) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  });
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
// A box may change its width after the window has, or its content when a font arrives.
function watchWidths() {
  const watcher = new ResizeObserver(letKeyboardScroll);
  for (const box of document.querySelectorAll(WIDE)) watcher.observe(box);
  document.fonts.ready.then(letKeyboardScroll);
}
addEventListener("load", letKeyboardScroll);
addEventListener("load", watchWidths);
addEventListener("resize", letKeyboardScroll);
