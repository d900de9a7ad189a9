// What a template or an exclusion matches on: the group's own four, and others to tick.

function groupMatch(group) {
  const match = {};
  // A header can say anything: `*` as Modality would be a template for every modality.
  if (/^[A-Z0-9 _]{1,16}$/.test(group.modality ?? "")) match.modality = group.modality;
  if (group.sop_class_uid) match.sop_class_uid = group.sop_class_uid;
  if (group.rows && group.columns) Object.assign(match, { rows: group.rows, columns: group.columns });
  return match;
}

// Values of one attribute in a group, the most frequent first, with how many scans have them.
function valuesOf(group, name) {
  const found = new Map();
  for (const at of scansOfGroup.get(group.id)) {
    const value = SURVEY.scans[at].attributes[name];
    if (value) found.set(value, (found.get(value) ?? 0) + 1);
  }
  return [...found].sort((a, b) => b[1] - a[1]);
}

function matchEditor(group, given, changedIt = () => {}) {
  const fixed = Object.entries(given).filter(([name]) => CONSTANT.has(name));
  const rows = Object.keys(VOCABULARY.criteria).filter((name) => !CONSTANT.has(name)).map((name) => {
    const values = valuesOf(group, name);
    const list = make("datalist", { id: newId() }, values.slice(0, 50).map(([value, scans]) => make("option", { value }, `${counted(scans, "scan")}`)));
    const input = make("input", { value: given[name] ?? values[0]?.[0] ?? "", list: list.id, maxlength: "1000", autocomplete: "off", "aria-label": `${name} is` });
    const tick = make("input", { type: "checkbox", checked: name in given });
    const shown = () => { input.hidden = !tick.checked; changedIt(); };
    tick.addEventListener("change", shown);
    input.addEventListener("input", changedIt);
    input.hidden = !tick.checked;
    const told = values.length ? `${VOCABULARY.criteria[name].help}; here ${values.length === 1 ? values[0][0] : `${values.length} values`}` : `${VOCABULARY.criteria[name].help}; no image here has it`;
    return { name, tick, input, element: make("div", {}, ticked(name, tick, told), input, list) };
  });
  const element = make("fieldset", { class: "criteria" }, make("legend", {}, "Which images"),
    make("p", {}, fixed.map(([name, value]) => make("span", { class: "chip" }, `${name} ${value}`))),
    make("details", { open: rows.some((row) => row.tick.checked) }, make("summary", {}, "Only some of them: tick what else has to match"), make("small", { class: "soft" }, "Case is ignored, * stands for any text."), rows.map((row) => row.element)));
  return {
    element,
    value: () => Object.fromEntries([...fixed, ...rows.filter((row) => row.tick.checked && row.input.value).map((row) => [row.name, row.input.value])]),
  };
}

function reachOf(match) {
  return SURVEY.scans.filter((scan) => matches(match, scan.attributes)).length;
}

function reachLine() {
  const element = make("p", { class: "soft", "aria-live": "polite" });
  return { element, tell: (match) => { element.textContent = `Matches ${counted(reachOf(match), "scan")} of this survey.`; } };
}

function askExclusion(group) {
  const reason = reasonField(true);
  const reach = reachLine();
  const editor = matchEditor(group, groupMatch(group), () => reach.tell(editor.value()));
  reach.tell(editor.value());
  ask("Never send this group", [make("p", {}, "Images that match are never sent, also those that arrive later."), editor.element, reach.element, field("Reason", reason)],
    "Exclude", () => {
      if (!reason.value.trim()) return "Give a reason.";
      const exclusion = { match: editor.value(), reason: reason.value.trim() };
      const wrong = documentProblems("templates", { ...emptyTemplates(), exclusions: [exclusion] });
      if (wrong.length) return wrong.join("; ");
      change("templates", `${groupTitle(group)} excluded`, (rules) => { rules.exclusions.push(exclusion); });
      say(`${groupTitle(group)} is excluded.`);
      return true;
    }, { wide: true });
}

// "Looked at, nothing burned in": a template without rectangles.
function askClean(group) {
  const title = make("input", { value: `${groupTitle(group)}, looked at, nothing burned in`, maxlength: "200", autocomplete: "off" });
  const note = make("textarea", { maxlength: "2000", rows: "2" });
  const reach = reachLine();
  const editor = matchEditor(group, groupMatch(group), () => reach.tell(editor.value()));
  reach.tell(editor.value());
  const yes = valuesOf(group, "burned_in_annotation").filter(([value]) => value.trim().toUpperCase() === "YES");
  const warning = yes.length
    ? make("p", { class: "card attention" }, mark("warn", "Burned In Annotation is YES"), ` in ${counted(yes[0][1], "scan")}: these stay held, unless you tick burned_in_annotation below.`)
    : null;
  ask("Looked at, nothing burned in", [
    make("p", {}, "Images that match are sent with their pixels as they are, also those that arrive later. Look at some of every kind first."),
    warning, field("Title", title), editor.element, reach.element, field("Note", note)],
  "Nothing burned in", () => {
    const made = { id: newTemplateId(group, "clean"), title: title.value.trim(), match: editor.value(), rectangles: [], note: note.value };
    const wrong = documentProblems("templates", { ...emptyTemplates(), templates: [made] });
    if (wrong.length) return wrong.join("; ");
    change("templates", `${made.id} made`, (rules) => { rules.templates.push(made); });
    say(`${groupTitle(group)}: nothing burned in.`);
    return true;
  }, { wide: true });
}
