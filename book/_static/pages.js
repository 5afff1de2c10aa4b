// Whatever scrolls sideways can be reached and scrolled with the keyboard.
function letKeyboardScroll() {
  const wide = ".bd-article table, .bd-article pre, .bd-article mjx-container";
  for (const box of document.querySelectorAll(wide))
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
}
// The theme's toggles of the table of contents are pictures alone.
function nameToggles() {
  for (const toggle of document.querySelectorAll("summary"))
    if (!toggle.textContent.trim() && !toggle.ariaLabel)
      toggle.ariaLabel = "Show or hide what belongs to this entry";
}
addEventListener("DOMContentLoaded", nameToggles);
addEventListener("load", letKeyboardScroll);
addEventListener("resize", letKeyboardScroll);
