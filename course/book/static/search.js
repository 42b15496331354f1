/* Chinese search in the browser. Sphinx puts this file into language_data.js, after searchtools.js.
   splitQuery() is the twin of course.book.search.query_terms(): a test runs both on the same texts. */
var splitQuery = (query) => {
  const word = /[0-9A-Za-z_\u00c0-\u024f\u0370-\u03ff]+|[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}]+/gu;
  return (query.normalize("NFKC").match(word) || []).flatMap((run) => {
    const chars = [...run];
    if (/^[0-9A-Za-z_\u00c0-\u024f\u0370-\u03ff]/u.test(run)) return [run.toLowerCase()];
    return chars.length === 1 ? chars : chars.slice(1).map((char, i) => chars[i] + char);
  });
};

if (typeof Search !== "undefined") {
  // Sphinx counts only terms of three letters and more as required, so that "RFM 细分" would find every page
  // that has one of the two. Here a page must have them all; its score is the sum of the terms' scores.
  const searchOne = Search.performTermsSearch;
  Search.performTermsSearch = (terms, excluded) => {
    const perTerm = [...terms].map((term) => searchOne(new Set([term]), excluded));
    if (!perTerm.length) return [];
    return perTerm.reduce((found, results) => {
      const scores = new Map(results.map((result) => [result[0], result[4]]));
      return found
        .filter((result) => scores.has(result[0]))
        .map((result) => Object.assign([...result], { 4: result[4] + scores.get(result[0]) }));
    });
  };

  // What teaches comes before what lists: chapters, then the glossary, syllabuses last.
  const weight = [["chapters/", 3], ["book/glossary", 2], ["syllabus/", 0.5]];
  Scorer.score = ([page, , , , score]) => score * (weight.find(([prefix]) => page.startsWith(prefix)) || ["", 1])[1];

  // The excerpt comes from the article alone (not from the printed table of contents) and shows the query itself.
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const article = page.querySelector("article.bd-article") || page.body;
    article.querySelectorAll(".headerlink, script, style, nav").forEach((element) => element.remove());
    const block = anchor ? article.querySelector(`[id="${CSS.escape(anchor.slice(1))}"]`) : null;
    return (block || article).textContent.replace(/\s+/g, " ");
  };
  const summaryOf = Search.makeSearchSummary;
  Search.makeSearchSummary = (html, keywords, anchor) => {
    const query = (new URLSearchParams(window.location.search).get("q") || "").trim();
    return summaryOf(html, query ? new Set([...keywords, query]) : keywords, anchor);
  };
}
