// All that templates.json holds, one by one: what no group of this survey reaches can be seen and changed here too.

const RULE_WORDS = {
  "$.id": ["Id", "a-z, 0-9, dot, dash, underscore"],
  "$.match": ["Which images", "Empty: not asked. Case is ignored, * stands for any text."],
  "$.session": ["Session", ""],
  "$.session.id": ["Experiment ID", "For a folder the Study Instance UID."],
  "$.session.label": ["Label", "For people only."],
  "$.series_instance_uid": ["Series Instance UID", "Empty: the whole session is never sent, with series that arrive later."],
  "$.action": ["What happens", ""],
  "$.templates": ["Templates", "Ids, for the action templates."],
};
const PARTS = [
  ["templates", "template", "Templates", (one) => `${one.title || one.id}: ${one.rectangles.length ? counted(one.rectangles.length, "box", "boxes") : "looked at, nothing burned in"}`],
  ["exclusions", "exclusion", "Exclusions", (one) => `${criteriaText(one.match)}${one.reason ? `: ${one.reason}` : ""}`],
  ["overrides", "override", "Overrides", (one) => `${one.session.label ?? one.session.id}, ${one.series_instance_uid ?? "whole session"}: ${one.action}${one.templates?.length ? ` ${one.templates.join(", ")}` : ""}${one.reason ? ` (${one.reason})` : ""}`],
];

function rulesView() {
  const element = make("div");
  const paint = () => refill(element, make("h1", {}, "All rules"),
    make("p", { class: "soft" }, "Everything that templates.json holds, also for groups that this survey did not meet."),
    PARTS.map(([list, part, title, text]) => [
      make("h2", {}, `${title}: ${state.templates[list].length}`),
      make("ul", { class: "card rules" }, state.templates[list].map((one, at) => make("li", {}, make("span", {}, text(one)), make("span", { class: "actions" },
        button("Edit", () => editRule(list, part, at), { "aria-label": `Edit ${text(one)}` }),
        button("Delete", () => (list === "templates" ? deleteTemplate(one) : change("templates", `${part} deleted`, (rules) => { rules[list].splice(at, 1); })), { "aria-label": `Delete ${text(one)}` })))),
        make("li", {}, button(`Add ${part === "exclusion" || part === "override" ? "an" : "a"} ${part}`, () => editRule(list, part, state.templates[list].length)))),
    ]));
  paint();
  return { element, refresh: paint, title: "All rules" };
}

function editRule(list, part, at) {
  const before = state.templates[list][at];
  const form = schemaForm("templates", before ?? {}, () => {}, { part, words: RULE_WORDS });
  ask(before ? `Change this ${part}` : `A new ${part}`, form.element, "Keep", () => {
    const value = form.value();
    const next = structuredClone(state.templates);
    next[list][at] = value;
    const wrong = documentProblems("templates", next);
    if (wrong.length) return wrong.join("; ");
    change("templates", `${part} ${before ? "changed" : "added"}`, () => next);
    return true;
  }, { wide: true });
}
