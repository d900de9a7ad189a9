// What a run would decide about a scan, after domain/decisions.py, as far as the survey saw its images.

const GROUPS = new Map(SURVEY.groups.map((group) => [group.id, group]));
const MIXED = new Set(["mixed-sop-class", "mixed-size", "multi-resolution"]);
const HEADERS_ONLY = new Set(["annotation", "no-pixel-data"]);
const CONSTANT = new Set(["modality", "sop_class_uid", "rows", "columns"]);

function decision(code, more = {}) {
  return { code, kind: VOCABULARY.codes[code].kind, templates: [], boxes: [], ...more };
}

// Scans of several SOP classes or sizes, by session and scan: each of their groups has a row of its own. Of the readable
// images: what is damaged speaks for itself.
const KINDS_OF_SCAN = new Map();
for (const scan of SURVEY.scans.filter((one) => one.code !== "damaged")) {
  const key = JSON.stringify([scan.session.id, scan.scan]);
  const found = KINDS_OF_SCAN.get(key) ?? { classes: new Set(), sizes: new Set() };
  found.classes.add(scan.attributes.sop_class_uid);
  found.sizes.add(`${scan.attributes.rows}x${scan.attributes.columns}`);
  KINDS_OF_SCAN.set(key, found);
}

// Why no template can help this scan, from its group or from the survey; "" where one can.
function refusalOf(scan) {
  const code = GROUPS.get(scan.group)?.code ?? "";
  if (code && !MIXED.has(code)) return code;
  return VOCABULARY.codes[scan.code]?.kind === "unsupported" && !MIXED.has(scan.code) ? scan.code : "";
}

function mixOf(scan, policy) {
  if (policy?.mixed === "per-instance") return "";
  if (MIXED.has(scan.code)) return scan.code;
  const found = KINDS_OF_SCAN.get(JSON.stringify([scan.session.id, scan.scan]));
  if (found.classes.size > 1) return "mixed-sop-class";
  return found.sizes.size > 1 ? "mixed-size" : "";
}

function overrideOf(scan, rules) {
  const ofSession = rules.overrides.filter((one) => one.session.id === scan.session.id);
  const whole = ofSession.find((one) => !one.series_instance_uid);
  return whole ?? ofSession.find((one) => one.series_instance_uid === scan.series_instance_uid);
}

function decideScan(scan, rules, policy) {
  return afterScript(scan, byTable(scan, rules, policy), policy);
}

// What would go, less what the project's script leaves out, with its boxes. It was asked of each image of this row.
function afterScript(scan, decided, policy) {
  const said = policy?.headers?.script ? (scan.script ?? []) : []; // a survey of an earlier day has none
  if (!sends(decided) || !said.length) return decided;
  const each = said.map((answer) => answered(answer, decided));
  if (new Set(each.map((one) => JSON.stringify(one))).size === 1) return each[0];
  return policy.mixed === "per-instance" ? strictest(each) : decision("mixed-decision", { templates: decided.templates });
}

function answered(answer, decided) {
  const { templates } = decided;
  if (answer.failed) return decision("header-refused", { templates, detail: answer.failed });
  if (answer.rejected) return decision("script-reject", { templates, detail: answer.rejected });
  const boxes = union([{ rectangles: decided.boxes }, { rectangles: answer.boxes }]);
  if (boxes.length === decided.boxes.length) return decided;
  if (answer.refused) return decision(answer.refused, { templates });
  return decision(decided.kind === "redact" ? decided.code : "script-redact", { templates, boxes });
}

function strictest(decided) {
  const codes = Object.keys(VOCABULARY.codes);
  const rank = (one) => VOCABULARY.kinds.indexOf(one.kind) * codes.length + codes.indexOf(one.code);
  const worst = decided.reduce((one, other) => (rank(other) < rank(one) ? other : one));
  return sends(worst) ? { ...worst, boxes: union(decided.map((one) => ({ rectangles: one.boxes }))) } : worst;
}

function byTable(scan, rules, policy) {
  if (scan.code === "damaged" || scan.code === "no-dicom") return decision(scan.code);
  const refusal = refusalOf(scan);
  const override = overrideOf(scan, rules);
  if (override) {
    const decided = byOverride(scan, override, rules);
    return sends(decided) && refusal ? refused(scan, refusal, policy) : decided;
  }
  if (rules.exclusions.some((one) => matches(one.match, scan.attributes))) return decision("exclusion");
  if (refusal) return refused(scan, refusal, policy);
  const mix = mixOf(scan, policy);
  if (mix) return decision(mix);
  if (scan.code === "mixed-decision" && !uniform(scan, rules)) return decision("mixed-decision");
  return byTemplates(scan, rules);
}

function refused(scan, code, policy) {
  const listed = (policy?.send_headers_only ?? []).includes(scan.attributes.sop_class_uid);
  return decision(listed && HEADERS_ONLY.has(code) ? "headers-only" : code);
}

function sends(decided) {
  return decided.kind === "redact" || decided.kind === "pass" || decided.kind === "headers-only";
}

// Images of such a scan differ in attributes that the survey does not list: only what all of them share can decide.
function uniform(scan, rules) {
  return rules.templates.every((one) => {
    const names = Object.keys(one.match);
    const shared = Object.fromEntries(names.filter((name) => CONSTANT.has(name)).map((name) => [name, one.match[name]]));
    return names.every((name) => CONSTANT.has(name)) || !matches(shared, scan.attributes);
  });
}

function byOverride(scan, override, rules) {
  if (override.action === "exclude") return decision("override-exclude");
  if (override.action === "pass") return decision("override-pass");
  const named = override.templates.map((id) => rules.templates.find((one) => one.id === id));
  const { rows, columns } = sizeOf(scan);
  const fits = (one) =>
    one &&
    (one.match.rows ?? rows) === rows &&
    (one.match.columns ?? columns) === columns &&
    one.rectangles.every((box) => box.bottom <= rows && box.right <= columns);
  if (!named.every(fits)) return decision("override-mismatch");
  const boxes = union(named);
  return decision(boxes.length ? "override-templates" : "override-pass", { templates: override.templates, boxes });
}

function sizeOf(scan) {
  const { rows, columns } = scan.attributes;
  return { rows: Number(rows ?? 0), columns: Number(columns ?? 0) };
}

function byTemplates(scan, rules) {
  const found = rules.templates.filter((one) => matches(one.match, scan.attributes));
  if (!found.length) return decision("no-template");
  const templates = found.map((one) => one.id);
  const boxes = union(found);
  if (boxes.length) return decision("template", { templates, boxes });
  const yes = (scan.attributes.burned_in_annotation ?? "").trim().toUpperCase() === "YES";
  const named = found.some((one) => Object.hasOwn(one.match, "burned_in_annotation"));
  return decision(yes && !named ? "burned-in-yes" : "looked-at-clean", { templates });
}

function union(templates) {
  const seen = new Map();
  for (const one of templates) for (const box of one.rectangles) seen.set(boxText(box), box);
  return [...seen.values()];
}

// Decisions of all scans, in the survey's order; an override whose series is gone holds what else would be sent.
function decideAll(rules, policy) {
  const decided = SURVEY.scans.map((scan) => decideScan(scan, rules, policy));
  const series = new Map();
  SURVEY.scans.forEach((scan) => {
    if (!series.has(scan.session.id)) series.set(scan.session.id, new Set());
    series.get(scan.session.id).add(scan.series_instance_uid);
  });
  const wrong = new Set(
    rules.overrides
      .filter((one) => one.series_instance_uid && series.has(one.session.id))
      .filter((one) => !series.get(one.session.id).has(one.series_instance_uid))
      .map((one) => one.session.id),
  );
  decided.forEach((one, at) => {
    if (one.code === "override-mismatch") wrong.add(SURVEY.scans[at].session.id);
  });
  return decided.map((one, at) =>
    sends(one) && wrong.has(SURVEY.scans[at].session.id) ? decision("override-mismatch") : one,
  );
}

// How each session stands: ready, waiting, or nothing of it to send.
function sessionsOf(decided, policy) {
  const found = new Map();
  SURVEY.scans.forEach((scan, at) => {
    const one = found.get(scan.session.id) ?? { ...scan.session, scans: 0, sent: 0, held: 0, misfit: false };
    one.scans += 1;
    one.sent += sends(decided[at]) ? 1 : 0;
    one.held += decided[at].kind === "hold" ? 1 : 0;
    one.misfit ||= decided[at].code === "override-mismatch";
    found.set(scan.session.id, one);
  });
  const partly = policy?.publish === "available-scans";
  return [...found.values()].map((one) => {
    const waits = one.misfit || (one.held > 0 && (!partly || !one.sent));
    return { ...one, stands: waits ? "waiting" : one.sent ? "ready" : "nothing to send" };
  });
}
