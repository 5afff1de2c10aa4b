// Whatever scrolls sideways can be reached and scrolled with the keyboard.
function letKeyboardScroll() {
  const wide = ".bd-article table, .bd-article pre, .bd-article mjx-container";
  for (const box of document.querySelectorAll(wide))
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
}
addEventListener("load", letKeyboardScroll);
addEventListener("resize", letKeyboardScroll);
