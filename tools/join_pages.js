// Puts the articles of pages [path, …] on this page, under the styles of the first, and
// returns those links among them that lead nowhere.  Each id gets its page's name, so
// that they stay apart; a link to what is no page leads to the book's address `base`.
async ([pages, base]) => {
  const placed = (path, id) => `${path.replace(/\W/g, "-")}--${id}`;
  const SCREEN = ".headerlink, .copybtn, .take-away, .figure-data, script, button";

  function take(article, path, url) {
    const all = (selector) => article.querySelectorAll(selector);
    for (const part of all(SCREEN)) part.remove();
    for (const still of all("noscript")) still.replaceWith(...still.childNodes);
    for (const picture of all("img")) {
      picture.src = new URL(picture.getAttribute("src"), url);
      picture.loading = "eager";
    }
    for (const link of all("a[href]")) {
      const to = new URL(link.getAttribute("href"), url);
      const there = to.pathname.slice(1);
      if (to.origin !== location.origin) continue;
      const place = placed(there, decodeURIComponent(to.hash.slice(1)));
      link.setAttribute("href", pages.includes(there) ? `#${place}` : base + there);
    }
    for (const place of all("[id]")) place.id = placed(path, place.id);
    article.id = placed(path, "");
    document.body.append(article);
  }

  for (const path of pages) {
    const url = new URL(path, `${location.origin}/`);
    const text = await (await fetch(url)).text();
    const from = new DOMParser().parseFromString(text, "text/html");
    if (path === pages[0])
      for (const style of from.head.querySelectorAll("link[rel=stylesheet], style")) {
        if (style.href) style.href = new URL(style.getAttribute("href"), url);
        document.head.append(style);
      }
    take(from.querySelector("article.bd-article"), path, url);
  }
  await Promise.all([...document.images].map((picture) => picture.decode()));
  await document.fonts.ready;
  return [...document.querySelectorAll("a[href^='#']")] // those in pictures, too
    .map((link) => link.getAttribute("href").slice(1))
    .filter((id) => !document.getElementById(id));
}
