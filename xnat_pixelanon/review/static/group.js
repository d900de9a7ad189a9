// A group: what is said about all of it, its scans, and what to do with those that are selected.

function groupView(number) {
  const group = SURVEY.groups[number];
  if (!group) return missingView();
  const scans = scansOfGroup.get(group.id);
  const head = make("div");
  const forAll = make("div", { class: "actions" });
  const forSome = make("div", { class: "actions", role: "group", "aria-label": "For the selected scans" });
  const grid = scanGrid(scans, group, { open: (at) => go("draw", number, "new", at), selected: () => paintSome() });

  function paint() {
    const templates = templatesOfGroup(group);
    const undecided = tally(scans).hold;
    refill(head, 
      make("p", { class: "crumbs" }, make("a", { href: "#/groups" }, "Groups"), " / ", groupTitle(group)),
      make("h1", {}, groupTitle(group), " ", make("span", { class: "soft" }, group.sop_class_name || group.sop_class_uid)),
      make("p", {}, tallyMarks(scans), make("span", { class: "soft" }, groupFacts(group))),
      vendors(group),
      group.code ? make("p", { class: "card attention" }, sentence(VOCABULARY.codes[group.code].meaning), " ", VOCABULARY.codes[group.code].remedy) : null,
      templates.length ? make("ul", { class: "templates", "aria-label": "Templates of this group" }, templates.map(templateRow)) : null,
    );
    const able = !group.code && group.rows > 0;
    const first = able && (undecided || !templates.length);
    refill(forAll, 
      able ? button(templates.length ? "Draw another template" : "Draw boxes", () => go("draw", number, "new"), { class: first ? "primary" : "" }) : "",
      group.code ? "" : button("Nothing burned in…", () => askClean(group)),
      button("Exclude the group…", () => askExclusion(group)),
      first ? "" : button("Next group", nextGroup, { class: "primary" }),
    );
    paintSome();
    grid.refresh();
  }

  function nextGroup() {
    const next = SURVEY.groups.find((one) => !one.code && tally(scansOfGroup.get(one.id)).hold);
    if (next) openGroup(next);
    else go("summary");
  }

  function templateRow(one) {
    const boxes = one.rectangles.length ? `${counted(one.rectangles.length, "box", "boxes")}` : "looked at, nothing burned in";
    const more = Object.entries(one.match).filter(([name]) => !CONSTANT.has(name));
    return make("li", {}, mark(one.rectangles.length ? "redact" : "pass", one.title || one.id), ` ${boxes}`,
      more.length ? ` where ${more.map(([name, wanted]) => `${name} is ${wanted}`).join(" and ")}` : "", " ",
      button("Edit", () => go("draw", number, one.id), { "aria-label": `Edit ${one.title || one.id}` }), " ",
      button("Delete", () => deleteTemplate(one), { "aria-label": `Delete ${one.title || one.id}` }));
  }

  function paintSome() {
    const chosen = grid.chosen();
    const some = chosen.length > 0;
    const act = (text, does) => button(text, () => does(grid.chosen()), { disabled: !some });
    refill(forSome, 
      make("span", { "aria-live": "polite" }, some ? `${counted(chosen.length, "scan")} selected:` : "Select scans to treat them by themselves:"),
      act("Apply templates…", (indices) => askTemplates(group, indices)),
      act("Nothing burned in…", (indices) => askOverride(indices, "pass")),
      act("Exclude…", (indices) => askOverride(indices, "exclude")),
      act("Reset", (indices) => say(`${counted(overrideScans(indices, null), "scan")} back to what the group says.`)),
      button("Select all", () => grid.selectAll()),
      button("Select none", () => grid.selectAll(false), { disabled: !some }),
    );
  }

  paint();
  return {
    element: make("div", { class: "filled" }, head, forAll, forSome, grid.element),
    refresh: paint, close: grid.close, title: groupTitle(group),
  };
}

function missingView() {
  const element = make("p", { class: "card" }, "This page has no such place. ", make("a", { href: "#/groups" }, "To the groups"));
  return { element, refresh() {}, title: "Not found" };
}

function deleteTemplate(one) {
  change("templates", `template ${one.id} deleted`, (rules) => {
    rules.templates = rules.templates.filter((other) => other.id !== one.id);
    for (const override of rules.overrides) {
      if (override.templates) override.templates = override.templates.filter((id) => id !== one.id);
    }
    rules.overrides = rules.overrides.filter((override) => override.action !== "templates" || override.templates.length);
  });
  say(`Template ${one.id} is deleted. Undo brings it back.`);
}

function reasonField(required) {
  return make("input", { maxlength: "2000", autocomplete: "off", required });
}

function askOverride(indices, action) {
  const reason = reasonField(action === "exclude");
  const title = action === "pass" ? "Looked at, nothing burned in" : "Never send these scans";
  const told = action === "pass"
    ? "These scans are sent with their pixels as they are. You have looked at all of their images."
    : "These scans are never sent.";
  ask(title, [make("p", {}, `${counted(indices.length, "scan")}. ${told}`), field("Reason", reason)],
    action === "pass" ? "Nothing burned in" : "Exclude", () => {
      if (action === "exclude" && !reason.value.trim()) return "Give a reason.";
      say(`${counted(overrideScans(indices, action, { reason: reason.value.trim() }), "scan")} ${action === "pass" ? "passed" : "excluded"}.`);
      return true;
    });
}

function askTemplates(group, indices) {
  const size = { rows: group.rows, columns: group.columns };
  const fitting = state.templates.templates.filter((one) =>
    ["rows", "columns"].every((name) => (one.match[name] ?? size[name]) === size[name]) &&
    one.rectangles.every((box) => box.bottom <= size.rows && box.right <= size.columns));
  const ticks = fitting.map((one) => ({ one, tick: make("input", { type: "checkbox" }) }));
  const reason = reasonField(false);
  const list = ticks.length
    ? ticks.map(({ one, tick }) => ticked(one.title || one.id, tick, counted(one.rectangles.length, "box", "boxes")))
    : make("p", {}, "No template has the size of these images yet: draw one first.");
  ask("Apply templates to these scans", [make("p", {}, `${counted(indices.length, "scan")}, whatever else matches.`), list, field("Reason", reason)],
    ticks.length ? "Apply" : "", () => {
      const templates = ticks.filter(({ tick }) => tick.checked).map(({ one }) => one.id);
      if (!templates.length) return "Tick at least one template.";
      say(`Applied to ${counted(overrideScans(indices, "templates", { templates, reason: reason.value.trim() }), "scan")}.`);
      return true;
    });
}
