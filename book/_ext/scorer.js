// Search puts a page first whose title begins with what was asked for: "Lemma 8" is not
// the chapter that says "lemma" most often. The other values are Sphinx's own.
var Scorer = {
  score: ([, title, anchor, , score]) => {
    const asked = (new URLSearchParams(location.search).get("q") ?? "").trim().toLowerCase();
    const own = title.toLowerCase().replace(/^[\d.]+\s+/, ""); // without its number
    const begins = asked && own.startsWith(asked) && !/\w/.test(own[asked.length] ?? " ");
    return score + (begins ? (anchor ? 100 : 1000) : 0);
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
