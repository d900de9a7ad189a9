// First screen: every group, those that can be decided first, and what to do next.

function groupsView() {
  const element = make("div");
  const paint = () => {
    const open = SURVEY.groups.filter((group) => !group.code);
    const closed = SURVEY.groups.filter((group) => group.code);
    refill(element, 
      make("h1", {}, "Groups of images"),
      make("p", { class: "soft" }, surveyed()),
      nextStep(open),
      make("h2", {}, `Valid: ${counted(open.length, "group")}`),
      open.length ? make("ul", { class: "groups" }, open.map(groupCard)) : make("p", { class: "card" }, "None."),
      make("h2", {}, `Unsupported: ${counted(closed.length, "group")}`),
      closed.length
        ? [make("p", { class: "soft" }, "Never sent. No rectangle helps; an exclusion says that they are known."),
          make("ul", { class: "groups" }, closed.map(groupCard))]
        : make("p", { class: "card" }, "None."),
    );
  };
  paint();
  return { element, refresh: paint, title: "Groups" };
}

function surveyed() {
  const sessions = new Set(SURVEY.scans.map((scan) => scan.session.id)).size;
  const when = new Date(SURVEY.made_at);
  const told = Number.isNaN(when.getTime()) ? "" : ` on ${when.toISOString().slice(0, 16).replace("T", " at ")} UTC`;
  const rest = SURVEY.provisional ? " Some scans were only sampled: what is said of them is provisional." : "";
  return `${SURVEY.project}: ${counted(SURVEY.scans.length, "scan")} in ${counted(sessions, "session")}, surveyed${told}.${rest}`;
}

// One clear next action: the group with most undecided scans, or the summary.
function nextStep(groups) {
  const waiting = groups
    .map((group) => ({ group, held: tally(scansOfGroup.get(group.id)).hold ?? 0 }))
    .filter((one) => one.held)
    .sort((a, b) => b.held - a.held);
  if (!waiting.length) {
    return make("div", { class: "card next all-good" }, make("p", {}, mark("pass", "Every group is decided.")),
      button("Look at the summary", () => go("summary"), { class: "primary" }));
  }
  const { group, held } = waiting[0];
  const text = `${counted(waiting.length, "group")} ${waiting.length === 1 ? "has" : "have"} undecided scans. Next: ${groupTitle(group)}, ${counted(held, "scan")}.`;
  return make("div", { class: "card next attention" }, make("p", {}, text),
    button("Open this group", () => openGroup(group), { class: "primary" }));
}

function openGroup(group) {
  go("group", SURVEY.groups.indexOf(group));
}

function groupCard(group) {
  const shown = thumbnail(group, 112);
  const scans = scansOfGroup.get(group.id);
  const first = scans.find((at) => SURVEY.scans[at].thumbnail !== null);
  shown.show(first === undefined ? group.pictures[0]?.picture ?? group.maximum : SURVEY.scans[first].thumbnail);
  if (first !== undefined && group.rows) shown.paint(decided()[first].boxes, group);
  const name = make("a", { href: `#/group/${SURVEY.groups.indexOf(group)}` }, groupTitle(group));
  return make("li", { class: "card group" }, shown.element, make("div", {},
    make("h3", {}, name, " ", make("span", { class: "soft" }, group.sop_class_name || group.sop_class_uid)),
    make("p", {}, tallyMarks(scans)),
    make("p", { class: "soft" }, groupFacts(group)),
    vendors(group),
    group.code ? make("p", {}, sentence(VOCABULARY.codes[group.code].meaning)) : null,
  ));
}

function sentence(text) {
  return text ? `${text[0].toUpperCase()}${text.slice(1)}.` : "";
}

function groupFacts(group) {
  const parts = [[group.scans, "scan"], [group.sessions, "session"], [group.instances, "instance"], [group.frames, "frame"]];
  return parts.map(([number, noun]) => counted(number, noun)).join(" · ");
}

function tallyMarks(indices) {
  const found = tally(indices);
  return Object.keys(KINDS).filter((kind) => found[kind]).map((kind) => [mark(kind, `${found[kind]} ${KINDS[kind]}`), " "]);
}

function vendors(group) {
  const named = group.vendors.map((one) => `${[one.manufacturer, one.model].filter(Boolean).join(" ") || "unnamed"} (${one.scans})`);
  const shown = named.slice(0, 4).join(", ") + (named.length > 4 ? ` and ${named.length - 4} more` : "");
  return make("p", {}, group.mixed_vendors ? [mark("warn", "several vendors"), " "] : null, shown);
}
