// The two documents as they are edited, what was loaded, and the way back.

const loaded = {};
const state = {
  templates: emptyTemplates(),
  policy: null,
  versions: { templates: null, policy: null },
  past: [],
  revision: 0,
  saved: 0,
};
const watchers = new Set();
let cache = { revision: -1, decided: [] };

function emptyTemplates() {
  return { schema_version: 1, templates: [], exclusions: [], overrides: [] };
}

// Without `based_on`, which is written when it is stored; all three lists are there.
function opened(document) {
  const { based_on: _, ...rest } = document;
  return "templates" in rest ? { ...emptyTemplates(), ...rest } : rest;
}

function take(name, stored) {
  const document = stored?.document ? opened(stored.document) : name === "templates" ? emptyTemplates() : null;
  state[name] = structuredClone(document);
  state.versions[name] = stored?.version ?? null;
  loaded[name] = document;
}

function changed(name) {
  return JSON.stringify(state[name]) !== JSON.stringify(loaded[name]);
}

function dirty() {
  return changed("templates") || changed("policy");
}

// One step that can be taken back: `edit` changes a copy of the document.
function change(name, what, edit) {
  const copy = structuredClone(state[name]);
  const replaced = edit(copy) ?? copy;
  if (JSON.stringify(replaced) === JSON.stringify(state[name])) return;
  state.past.push({ name, what, document: state[name] });
  state[name] = replaced;
  touched();
}

function undo() {
  const last = state.past.pop();
  if (!last) return;
  state[last.name] = last.document;
  touched();
  say(`Taken back: ${last.what}.`);
}

function touched() {
  state.revision += 1;
  for (const watch of watchers) watch();
}

function decided() {
  if (cache.revision !== state.revision) {
    cache = { revision: state.revision, decided: decideAll(state.templates, state.policy) };
  }
  return cache.decided;
}

function tally(indices) {
  const found = {};
  for (const at of indices) found[decided()[at].kind] = (found[decided()[at].kind] ?? 0) + 1;
  return found;
}

const scansOfGroup = new Map(SURVEY.groups.map((group) => [group.id, []]));
SURVEY.scans.forEach((scan, at) => scansOfGroup.get(scan.group)?.push(at));

function groupTitle(group) {
  const size = group.rows && group.columns ? ` ${group.rows}x${group.columns}` : "";
  return `${group.modality || "no modality"}${size}`;
}

// Templates that reach an image of this group, and those that could, if their other criteria matched.
function templatesOfGroup(group) {
  const attributes = { modality: group.modality, sop_class_uid: group.sop_class_uid };
  if (group.rows) Object.assign(attributes, { rows: String(group.rows), columns: String(group.columns) });
  return state.templates.templates.filter((one) => {
    const shared = Object.entries(one.match).filter(([name]) => CONSTANT.has(name));
    return matches(Object.fromEntries(shared), attributes);
  });
}

function newTemplateId(group, ending) {
  const words = `${group.modality}-${group.rows || "any"}x${group.columns || "any"}${ending ? `-${ending}` : ""}`;
  const stem = words.toLowerCase().replace(/[^a-z0-9._-]+/g, "-").replace(/^[^a-z0-9]+/, "").slice(0, 56) || "template";
  const taken = new Set(state.templates.templates.map((one) => one.id));
  let id = stem;
  for (let n = 2; taken.has(id); n += 1) id = `${stem}-${n}`;
  return id;
}

// Sets one override for each scan, over what was there; `action` null takes them away.
function overrideScans(indices, action, more = {}) {
  const scans = indices.map((at) => SURVEY.scans[at]).filter((scan) => scan.series_instance_uid);
  const key = (session, series) => JSON.stringify([session, series]);
  const keys = new Map(scans.map((scan) => [key(scan.session.id, scan.series_instance_uid), scan]));
  change("templates", action ? `${action} for ${counted(keys.size, "scan")}` : `reset of ${counted(keys.size, "scan")}`, (rules) => {
    rules.overrides = rules.overrides.filter((one) => !keys.has(key(one.session.id, one.series_instance_uid)));
    for (const scan of action ? keys.values() : []) {
      const session = { id: scan.session.id, ...(scan.session.label ? { label: scan.session.label } : {}) };
      rules.overrides.push({ session, series_instance_uid: scan.series_instance_uid, action, ...more });
    }
  });
  return keys.size;
}
