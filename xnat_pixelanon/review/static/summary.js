// Before leaving: how all scans stand, what is not stored yet; afterwards: which sessions are ready, and how to launch.

function summaryView() {
  const element = make("div");
  const paint = () => {
    const all = SURVEY.scans.map((_, at) => at);
    const counts = tally(all);
    const sessions = sessionsOf(decided(), state.policy);
    refill(element, 
      make("h1", {}, "Summary"),
      summaryNext(counts, sessions),
      make("h2", {}, "Scans"),
      make("ul", { class: "tiles" }, Object.entries(KINDS).filter(([kind]) => counts[kind] || kind !== "headers-only").map(([kind, word]) =>
        make("li", { class: kind }, make("b", {}, String(counts[kind] ?? 0)), mark(kind, word)))),
      reasons(),
      make("h2", {}, "Sessions"),
      sessionTable(sessions),
    );
  };
  paint();
  return { element, refresh: paint, title: "Summary" };
}

function summaryNext(counts, sessions) {
  const ready = sessions.filter((one) => one.stands === "ready").length;
  const provisional = SURVEY.scans.some((scan) => scan.provisional) ? " Sampled scans may still turn out otherwise: a run looks at every image." : "";
  if (dirty()) {
    return make("div", { class: "card next attention" }, make("p", {}, mark("warn", "Not stored yet"), ` ${pending()}`),
      button("Save", saveAll, { class: "primary" }));
  }
  if (saver.kind === "file" && state.saved) {
    return make("div", { class: "card next all-good" }, make("p", {}, mark("pass", "Downloaded."), " Not stored yet: ", ...fileSteps()));
  }
  if (!state.policy) {
    return make("div", { class: "card next attention" }, make("p", {}, "There is no policy yet: nothing may leave the project."), button("To the policy", () => go("policy"), { class: "primary" }));
  }
  const stored = [mark("pass", saver.kind === "file" ? "Nothing was changed here." : "Everything is stored."), ` ${counted(ready, "session")} ${ready === 1 ? "is" : "are"} ready${counts.hold ? `, ${counted(counts.hold, "scan")} undecided` : ""}.${provisional}`];
  if (!state.policy.enabled) {
    const byMenu = saver.kind === "file" && SURVEY.source === "xnat"; // a file of an armed policy is refused there
    const arm = byMenu ? [" Then arm: ", make("b", {}, VOCABULARY.wrappers.arm), " in the same menu."] : " Then arm the policy.";
    return make("div", { class: "card next attention" }, make("p", {}, stored), make("p", {}, "Now look at a dry run: ", launchWords("plan"), arm),
      byMenu ? null : button("To the policy", () => go("policy"), { class: "primary" }));
  }
  return make("div", { class: "card next all-good" }, make("p", {}, stored), make("p", {}, "To publish: ", launchWords("run")));
}

function fileSteps() {
  return ["upload the downloaded files to the resource ", make("code", {}, VOCABULARY.documents_resource), " of the project (Manage Files), and start ", make("b", {}, VOCABULARY.wrappers.store), " from the project's Run Containers menu; or, on a command line, ",
    make("code", {}, `xnat-pixelanon templates push --from xnat:${SURVEY.project} templates.json`), "."];
}

function launchWords(verb) {
  const command = make("code", {}, `xnat-pixelanon ${verb} --from ${SURVEY.source === "dir" ? "dir:…" : `xnat:${SURVEY.project}`}`);
  if (SURVEY.source === "dir") return make("span", {}, command, ".");
  return make("span", {}, make("b", {}, VOCABULARY.wrappers[verb]), " in the project's Run Containers menu, or ", command, ".");
}

function pending() {
  return Object.keys(FILES).filter(changed).map((name) => `${FILES[name]} has changes`).join(", ") + ".";
}

function reasons() {
  const found = new Map();
  for (const one of decided()) found.set(one.code, (found.get(one.code) ?? 0) + 1);
  const rows = Object.keys(VOCABULARY.codes).filter((code) => found.has(code)).map((code) => {
    const { kind, meaning, remedy } = VOCABULARY.codes[code];
    return make("tr", {}, make("td", { class: "number" }, String(found.get(code))), make("td", {}, mark(kind, KINDS[kind])), make("td", {}, sentence(meaning)), make("td", {}, remedy));
  });
  return make("div", { class: "wide" }, make("table", {}, make("caption", {}, "Why"), make("thead", {}, make("tr", {}, ["Scans", "Decision", "Why", "What to do"].map((text) => make("th", { scope: "col" }, text)))), make("tbody", {}, rows)));
}

const SHOWN_SESSIONS = 200;
function sessionTable(sessions) {
  const order = { waiting: 0, ready: 1, "nothing to send": 2 };
  const kinds = { waiting: "hold", ready: "pass", "nothing to send": "exclude" };
  const sorted = [...sessions].sort((a, b) => order[a.stands] - order[b.stands]);
  const rows = sorted.slice(0, SHOWN_SESSIONS).map((one) => make("tr", {}, make("td", {}, one.label || one.id), make("td", {}, mark(kinds[one.stands], one.stands)),
    make("td", { class: "number" }, String(one.scans)), make("td", { class: "number" }, String(one.sent)), make("td", { class: "number" }, String(one.held))));
  const count = (stands) => sessions.filter((one) => one.stands === stands).length;
  return [make("p", {}, `${count("ready")} ready, ${count("waiting")} waiting, ${count("nothing to send")} with nothing to send.`, sorted.length > SHOWN_SESSIONS ? ` The first ${SHOWN_SESSIONS} are listed.` : ""),
    make("div", { class: "wide" }, make("table", {}, make("thead", {}, make("tr", {}, ["Session", "Stands", "Scans", "To send", "Undecided"].map((text) => make("th", { scope: "col" }, text)))), make("tbody", {}, rows)))];
}
