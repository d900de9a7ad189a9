// Elements from values. Nothing that comes from a file is ever parsed as HTML: text goes in as text.

const DATA = JSON.parse(document.getElementById("data").textContent);
const SURVEY = DATA.survey;
const VOCABULARY = DATA.vocabulary;
const SVG = "http://www.w3.org/2000/svg";
const PROPERTIES = new Set(["value", "checked", "disabled", "indeterminate", "open", "htmlFor", "tabIndex", "type"]);

function make(tag, given = {}, ...children) {
  return filled(document.createElement(tag), given, children);
}

function draw(tag, given = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), given, children);
}

function filled(element, given, children) {
  for (const [name, value] of Object.entries(given)) {
    if (name === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else if (PROPERTIES.has(name) && element.namespaceURI !== SVG) element[name] = value;
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...shownOnly(children));
  return element;
}

function shownOnly(children) {
  return children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false);
}

function refill(element, ...children) {
  element.replaceChildren(...shownOnly(children));
}

function button(text, act, given = {}) {
  return make("button", { type: "button", on: { click: act }, ...given }, text);
}

let numberOfIds = 0;
function newId() {
  numberOfIds += 1;
  return `n${numberOfIds}`;
}

// A control with its label, and a line of help that is read out with it.
function field(label, control, help = "") {
  control.id ||= newId();
  const told = help ? make("small", { id: newId(), class: "soft" }, help) : null;
  if (told) control.setAttribute("aria-describedby", told.id);
  return make("div", { class: "field" }, make("label", { htmlFor: control.id }, label), control, told);
}

function ticked(label, control, help = "") {
  control.type = "checkbox";
  const found = field(label, control, help);
  found.classList.add("tick");
  found.prepend(control);
  return found;
}

function mark(kind, text) {
  return make("span", { class: `mark ${kind}` }, make("span", { "aria-hidden": "true" }, `${SIGNS[kind] ?? ""} `), text);
}

// States are told apart by sign and word; colour comes third.
const SIGNS = { redact: "■", pass: "✓", "headers-only": "✓", exclude: "✕", hold: "?", unsupported: "–", warn: "!" };
const KINDS = {
  redact: "blackened",
  pass: "passed",
  "headers-only": "headers only",
  exclude: "excluded",
  hold: "undecided",
  unsupported: "unsupported",
};

function counted(number, noun, nouns = `${noun}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? noun : nouns}`;
}

function say(text) {
  const place = document.getElementById("said");
  place.textContent = "";
  place.append(make("p", {}, text));
  clearTimeout(say.timer);
  say.timer = setTimeout(() => place.replaceChildren(), 9000);
}

// A question in a modal dialog; `act` gets the dialog's form and returns false (or text to show) to keep it open.
function ask(title, content, actText, act, { wide = false, cancel = "Cancel" } = {}) {
  const trouble = make("p", { class: "error", role: "alert" });
  const box = make("dialog", { class: wide ? "wide-dialog" : "", "aria-labelledby": newId() });
  const form = make(
    "form",
    { method: "dialog" },
    make("h2", { id: box.getAttribute("aria-labelledby") }, title),
    content,
    trouble,
    make(
      "p",
      { class: "actions" },
      actText ? make("button", { type: "submit", class: "primary" }, actText) : null,
      button(cancel, () => box.close()),
    ),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const answer = act ? act(form) : true;
    if (answer === false || typeof answer === "string") trouble.textContent = answer || "";
    else box.close();
  });
  box.append(form);
  const before = document.activeElement;
  box.addEventListener("close", () => {
    box.remove();
    if (before && before.isConnected) before.focus();
  });
  document.body.append(box);
  box.showModal();
  return box;
}
