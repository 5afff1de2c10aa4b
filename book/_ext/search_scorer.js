// Search puts a page first whose title begins with what was asked for: Sphinx drops the
// 8 of "Lemma 8" and would name the page first that says "lemma" most often.  A title
// comes with its number as markup.  The other values are Sphinx's own.
var Scorer = {
  score: ([page, title, anchor, , score]) => {
    const asked = new URLSearchParams(location.search).get("q") ?? "";
    const start = asked.trim().toLowerCase();
    const own = title.replace(/<[^>]*>/g, "").replace(/^[\d.\s]+/, "").toLowerCase();
    if (!start || !own.startsWith(start) || page.startsWith("book/api/")) return score;
    const rest = own.slice(start.length); // ": the adapter converges"
    if (/^\w/.test(rest)) return score; // "Lemma 1" asks for no Lemma 10
    return score + (anchor ? 100 : /^:|^$/.test(rest) ? 2000 : 1000);
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
