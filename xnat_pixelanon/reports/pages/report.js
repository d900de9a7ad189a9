"use strict";
// Filter and search: what does not match is hidden. Without it the page shows everything.
(() => {
  const form = document.getElementById("filter");
  const [words, outcome, decision] = ["words", "outcome", "decision"].map((name) => form.elements[name]);
  const said = form.querySelector("output");
  const text = (element) => element.textContent.toLowerCase();

  const sessions = [...document.querySelectorAll(".session")].map((element) => {
    const rows = [...element.querySelectorAll("tr[data-decision]")];
    const scans = rows.map((row) => ({ row, text: text(row), decision: row.dataset.decision }));
    const all = text(element);
    const own = text(element.querySelector("h3")) + [...element.children].filter((child) => child.tagName === "P").map(text).join(" ");
    return { element, scans, all, own, outcome: element.dataset.outcome };
  });
  const groups = [...document.querySelectorAll(".group")].map((element) => {
    const cases = [...element.querySelectorAll(".case")].map((one) => ({ one, text: text(one), data: one.dataset }));
    return { element, cases, own: text(element.querySelector("h3")) };
  });

  // Each word has to be there; of a session in its own lines, or all in one of its scans or in its files.
  const has = (where, wanted) => wanted.every((word) => where.includes(word));

  const filter = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const left = new Set(); // cases of which a scan is shown
    let shown = 0;
    for (const session of sessions) {
      const fits = session.scans.filter((scan) => !decision.value || scan.decision === decision.value);
      const found = fits.filter((scan) => has(session.own + " " + scan.text, wanted));
      const itself = has(session.own, wanted) && (!decision.value || fits.length > 0);
      const inFiles = !found.length && !itself && has(session.all, wanted) && (!decision.value || fits.length > 0);
      const visible = (!outcome.value || session.outcome === outcome.value) && (found.length > 0 || itself || inFiles);
      session.element.hidden = !visible;
      shown += visible;
      const rows = new Set(found.length ? found : fits);
      for (const scan of session.scans) {
        scan.row.hidden = !rows.has(scan);
        if (visible && rows.has(scan)) left.add(scan.row.dataset.case);
      }
    }
    for (const group of groups) {
      let any = false;
      for (const one of group.cases) {
        const itself = !outcome.value && (!decision.value || one.data.decision === decision.value);
        const visible = left.has(one.data.case) || (itself && has(group.own + " " + one.text, wanted));
        one.one.hidden = !visible;
        any ||= visible;
      }
      group.element.hidden = !any;
    }
    said.textContent = `${shown} of ${sessions.length} sessions`;
  };

  form.addEventListener("input", filter);
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#s']");
    if (link && document.querySelector(link.hash)?.hidden) form.reset();
  });
  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details")) one.open = true;
  });
  form.hidden = false;
  filter();
})();
