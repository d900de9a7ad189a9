// Header, places of the page, saving, and the start.

const PLACES = { groups: groupsView, group: groupView, draw: drawView, rules: rulesView, policy: policyView, summary: summaryView };
const saver = chosenSaver();
let view = null;
let saving = false;

function go(place, ...rest) {
  const words = rest.filter((one) => one !== undefined);
  location.hash = `#/${[place, ...words].map(encodeURIComponent).join("/")}`;
}

function arrive() {
  if (location.hash && !location.hash.startsWith("#/")) return;
  const [place = "groups", ...rest] = location.hash.slice(2).split("/").filter(Boolean).map(decodeURIComponent);
  const opens = Object.hasOwn(PLACES, place) ? PLACES[place] : missingView;
  view?.close?.();
  view = opens(...rest.map((one) => (/^\d+$/.test(one) ? Number(one) : one)));
  const main = document.getElementById("main");
  refill(main, view.element);
  document.title = `${view.title} – ${SURVEY.project} – xnat-pixelanon review`;
  for (const link of document.querySelectorAll("#top nav a")) {
    const here = link.getAttribute("href") === `#/${place}` || (place === "group" || place === "draw" ? link.getAttribute("href") === "#/groups" : false);
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  paintTop();
  view.refresh();
  if (arrive.started) main.focus({ preventScroll: true });
  arrive.started = true;
  scrollTo(0, 0);
}

function stepBack() {
  if (!view.undo?.()) undo();
  paintTop();
}

const undoButton = button("Undo", stepBack, { "aria-keyshortcuts": "Control+Z" });
const saveButton = button("Save", saveAll, { "aria-keyshortcuts": "Control+S" });
const stored = make("span", { class: "stored" });

function header() {
  const link = (place, text) => make("a", { href: `#/${place}` }, text);
  const versions = make("span", { class: "soft" });
  document.getElementById("top").append(
    make("div", { class: "brand" }, make("b", {}, SURVEY.project), " ", make("span", { class: "soft" }, "review")),
    make("nav", { "aria-label": "Places" }, link("groups", "Groups"), link("rules", "All rules"), link("policy", "Policy"), link("summary", "Summary")),
    make("div", { class: "actions" }, stored, undoButton, saveButton),
    make("p", { class: "mode" }, make("span", { class: "mark" }, saver.title), ` ${saver.told}`, versions),
  );
}

function paintTop() {
  const last = state.past.at(-1);
  undoButton.disabled = !last && !view?.unsaved?.();
  undoButton.title = last ? `Take back: ${last.what}` : "";
  saveButton.disabled = saving || !dirty();
  stored.textContent = dirty() ? "● not stored" : versionText();
}

function versionText() {
  const { templates, policy } = state.versions;
  return `templates ${templates ? `version ${templates}` : "not stored"} · policy ${policy ? `version ${policy}` : "not stored"}`;
}

async function saveAll() {
  if (saving || !dirty()) return;
  saving = true;
  paintTop();
  try {
    for (const name of Object.keys(FILES)) if (changed(name)) await saveOne(name);
    state.saved += 1;
    state.past = [];
    touched();
    if (!dirty()) {
      say(saver.kind === "file" ? "Downloaded. The summary says what to do with it." : "Stored.");
      go("summary");
    }
  } catch (error) {
    if (error instanceof Conflict) resolveConflict(error.document, error);
    else if (error instanceof Refused) ask("Not stored", [make("p", {}, error.message), make("ul", {}, (error.problems ?? []).map((one) => make("li", {}, one)))], "", null, { cancel: "Close" });
    else throw error;
  } finally {
    saving = false;
    paintTop();
  }
}

async function saveOne(name) {
  const wrong = documentProblems(name, state[name]);
  if (name === "policy" && !wrong.length) wrong.push(...destinationProblems(state.policy));
  if (saver.kind === "file" && name === "policy" && state.policy.enabled) {
    wrong.push(`a policy from a file does not arm: switch Armed off here, and start ${VOCABULARY.wrappers.arm} once it is stored`);
  }
  if (wrong.length) throw new Refused(`${FILES[name]} is not complete yet:`, wrong);
  const sent = structuredClone(state[name]);
  try {
    state.versions[name] = await saver.save(name, sent, state.versions[name]);
  } catch (error) {
    if (error instanceof Conflict) error.document = name;
    throw error;
  }
  loaded[name] = sent;
}

addEventListener("hashchange", arrive);
addEventListener("beforeunload", (event) => { if (dirty() || view?.unsaved?.()) event.preventDefault(); });
addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || document.querySelector("dialog[open]")) return;
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName) && document.activeElement.type !== "checkbox";
  if (event.key.toLowerCase() === "s") saveAll();
  else if (event.key.toLowerCase() === "z" && !typing) stepBack();
  else return;
  event.preventDefault();
});

async function start() {
  let documents = SURVEY.documents;
  let trouble = "";
  try {
    documents = await saver.load();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    trouble = error.message;
  }
  take("templates", documents.templates);
  take("policy", documents.policy);
  watchers.add(() => { paintTop(); view.refresh(); });
  header();
  arrive();
  if (trouble) ask("The stored documents cannot be read", make("p", {}, `${trouble} What is shown is what the survey found.`), "", null, { cancel: "Close" });
  document.documentElement.dataset.ready = saver.kind;
}

globalThis.review = Object.freeze({ matches, decideScan, decideAll, documentProblems, effective, schemaForm, state, differences, merged });
start();
