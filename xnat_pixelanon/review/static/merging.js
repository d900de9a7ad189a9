// Two people edited the same version: what differs is shown side by side, and the person chooses.

// The parts that a document is compared by: templates, exclusions and overrides one by one; a policy key by key.
function partsOf(name, document) {
  const parts = new Map();
  if (!document) return parts;
  if (name === "templates") {
    document.templates.forEach((one) => parts.set(`template ${one.id}`, ["templates", one]));
    (document.exclusions ?? []).forEach((one) => parts.set(`exclusion ${criteriaText(one.match)}`, ["exclusions", one]));
    (document.overrides ?? []).forEach((one) => {
      const series = one.series_instance_uid ?? "whole session";
      parts.set(`override ${one.session.label ?? one.session.id}, ${series}`, ["overrides", one]);
    });
    return parts;
  }
  for (const [key, value] of Object.entries(document)) {
    const inner = value !== null && typeof value === "object" && !Array.isArray(value);
    for (const [below, one] of inner ? Object.entries(value) : []) parts.set(`${key}.${below}`, [key, one]);
    if (!inner) parts.set(key, [key, value]);
  }
  return parts;
}

function criteriaText(match) {
  return Object.entries(match).map(([name, wanted]) => `${name} ${wanted}`).join(", ");
}

function different(a, b) {
  return JSON.stringify(a ?? null) !== JSON.stringify(b ?? null);
}

// Rows of what differs between both: which side changed it, and the side to begin with.
function differences(name, base, mine, theirs) {
  const sides = [base, mine, theirs].map((one) => partsOf(name, one));
  const keys = new Set(sides.flatMap((one) => [...one.keys()]));
  const rows = [];
  for (const key of keys) {
    const [before, ours, other] = sides.map((one) => one.get(key)?.[1]);
    if (!different(ours, other)) continue;
    const both = different(before, ours) && different(before, other);
    rows.push({ key, mine: ours, theirs: other, both, choice: different(before, ours) ? "mine" : "theirs" });
  }
  return rows;
}

function merged(name, mine, theirs, rows) {
  const chosen = new Map(rows.map((row) => [row.key, row.choice]));
  const ours = partsOf(name, mine);
  const other = partsOf(name, theirs);
  const result = name === "templates" ? emptyTemplates() : { schema_version: 1 };
  for (const key of new Set([...other.keys(), ...ours.keys()])) {
    const part = (chosen.get(key) === "theirs" || !ours.has(key) ? other : ours).get(key);
    if (!part || (chosen.get(key) === "mine" && !ours.has(key))) continue;
    const [place, value] = part;
    if (name === "templates") result[place].push(value);
    else if (key.includes(".")) result[place] = { ...result[place], [key.slice(key.indexOf(".") + 1)]: value };
    else result[place] = value;
  }
  return result;
}

function shownPart(value) {
  return make("pre", {}, value === undefined ? "not there" : JSON.stringify(value, null, 1));
}

function resolveConflict(name, conflict) {
  const theirs = conflict.theirs?.document ? opened(conflict.theirs.document) : null;
  const rows = theirs ? differences(name, loaded[name], state[name], theirs) : [];
  const version = conflict.theirs?.version ?? null;
  const body = make(
    "div",
    {},
    make("p", {}, `While you worked, ${conflict.message}. Nothing of yours was stored yet.`),
    theirs
      ? make("p", {}, rows.length ? "Choose which of both counts, row by row, then Save again." : "Both say the same.")
      : make("p", {}, `The project holds no ${FILES[name]} now: yours can be stored as the first one.`),
    rows.map((row) => conflictRow(row)),
  );
  return ask(`Two versions of ${FILES[name]}`, body, "Use these choices", () => {
    const mine = state[name];
    loaded[name] = theirs ?? (name === "templates" ? emptyTemplates() : null);
    state.versions[name] = version;
    state.past = [];
    state[name] = theirs ? merged(name, mine, theirs, rows) : mine;
    if (name === "policy" && rows.some((row) => row.key === "enabled")) state.policy.enabled = false;
    touched();
    say("Both versions are put together. Look at the result, then Save.");
    return true;
  }, { wide: true });
}

function conflictRow(row) {
  const group = newId();
  const option = (side, title) => {
    const radio = make("input", { type: "radio", name: group, value: side, checked: row.choice === side });
    radio.addEventListener("change", () => {
      row.choice = side;
    });
    return make("label", { class: "side" }, make("span", {}, radio, ` ${title}`), shownPart(row[side]));
  };
  return make(
    "fieldset",
    {},
    make("legend", {}, row.key, row.both ? mark("warn", "both changed it") : null),
    make("div", { class: "sides" }, option("mine", "Mine"), option("theirs", "Theirs")),
  );
}
