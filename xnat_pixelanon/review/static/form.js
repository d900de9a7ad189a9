// Forms from a JSON Schema: every key has a control, and there is no control for anything else.

// Each control: its element, and `value()`, undefined where the key is to be left out.
function schemaControl(given, value, path, context) {
  const schema = resolved(given, context.root);
  const words = context.words[path.replace(/\[\]/g, "")] ?? [];
  const label = words[0] ?? path.split(".").pop().replace(/\[\]/g, "").replace(/_/g, " ");
  const help = words[1] ?? schema.description ?? "";
  const kinds = [schema.type ?? []].flat();
  const found = { schema, value, path, label, help, context };
  if ("const" in schema) return fixedControl(found);
  if (schema.enum) return choiceControl(found);
  if (kinds.includes("boolean")) return switchControl(found);
  if (kinds.includes("integer")) return numberControl(found);
  if (kinds.includes("array")) return listControl(found);
  if (kinds.includes("object")) return objectControl(found);
  return textControl(found);
}

function heard(control, { path, context }) {
  control.setAttribute("data-path", path);
  control.addEventListener("change", () => context.changed());
  return control;
}

function fixedControl({ schema, value, path }) {
  const element = make("span", { "data-path": path, hidden: true }, String(schema.const));
  return { element, value: () => value ?? schema.const };
}

function choiceControl(one) {
  const { schema, value, label, help, context, path } = one;
  const options = schema.enum.map((each) => make("option", { value: each ?? "" }, context.choices?.[`${path}=${each}`] ?? each ?? "none"));
  const select = heard(make("select", {}, options), one);
  const first = "default" in schema ? schema.default : schema.enum[0];
  select.value = (value === undefined ? first : value) ?? "";
  return { element: field(label, select, help), value: () => (select.value === "" && schema.enum.includes(null) ? null : select.value) };
}

function switchControl(one) {
  const box = heard(make("input", { type: "checkbox", checked: one.value ?? one.schema.default ?? false }), one);
  return { element: ticked(one.label, box, one.help), value: () => box.checked };
}

function numberControl(one) {
  const { schema, value } = one;
  const input = heard(make("input", { type: "number", step: "1", min: schema.minimum, max: schema.maximum }), one);
  input.value = value ?? schema.default ?? "";
  return { element: field(one.label, input, one.help), value: () => (input.value === "" ? undefined : Number(input.value)) };
}

function textControl(one) {
  const { schema, value } = one;
  const nullable = [schema.type].flat().includes("null");
  const long = (schema.maxLength ?? 0) > 1000 && !schema.minLength;
  const input = heard(make(long ? "textarea" : "input", { maxlength: schema.maxLength, autocomplete: "off" }), one);
  input.value = value ?? schema.default ?? "";
  const empty = () => (nullable ? null : schema.minLength || (schema.pattern && !new RegExp(schema.pattern, "u").test("")) ? undefined : "");
  return { element: field(one.label, input, one.help), value: () => (input.value === "" ? empty() : input.value) };
}

function listControl(one) {
  const items = resolved(one.schema.items, one.context.root);
  if (items.enum) return ticksControl(one, items);
  return items.type === "object" ? rowsControl(one) : linesControl(one);
}

function ticksControl(one, items) {
  const ticks = items.enum.map((each) => ({ each, box: heard(make("input", { type: "checkbox", checked: (one.value ?? []).includes(each), value: each }), one) }));
  const told = (each) => one.context.options?.[each] ?? "";
  const element = make("fieldset", {}, make("legend", {}, one.label), make("small", { class: "soft" }, one.help), ticks.map(({ each, box }) => ticked(each, box, told(each))));
  return { element, value: () => ticks.filter(({ box }) => box.checked).map(({ each }) => each) };
}

function linesControl(one) {
  const input = heard(make("textarea", { rows: "3" }), one);
  input.value = (one.value ?? []).join("\n");
  const value = () => [...new Set(input.value.split("\n").map((line) => line.trim()).filter(Boolean))];
  return { element: field(one.label, input, `${one.help}${one.help ? "; " : ""}one on each line`), value };
}

function rowsControl(one) {
  const rows = [];
  const list = make("ol", { class: "rows" });
  const add = (value) => {
    const control = schemaControl(one.schema.items, value, `${one.path}[]`, one.context);
    const row = { control };
    const drop = button("Remove", () => { rows.splice(rows.indexOf(row), 1); line.remove(); one.context.changed(); });
    const line = make("li", {}, control.element, drop);
    rows.push(row);
    list.append(line);
  };
  (one.value ?? []).forEach(add);
  const element = make("fieldset", { "data-path": one.path }, make("legend", {}, one.label), make("small", { class: "soft" }, one.help), list,
    button("Add", () => { add({}); list.lastElementChild.querySelector("input,select,textarea")?.focus(); }, { "aria-label": `Add to ${one.label}` }));
  return { element, value: () => rows.map((row) => row.control.value()) };
}

// An optional key is written where it stood before, or where it is no longer empty or the default.
function objectControl(one) {
  const { schema, path, context } = one;
  const given = one.value ?? {};
  const names = Object.keys(schema.properties).filter((name) => !(path === "$" && name === "based_on"));
  const controls = names.map((name) => [name, schemaControl(schema.properties[name], given[name], `${path}.${name}`, context)]);
  const wanted = (name, value) => {
    if (value === undefined) return false;
    if ((schema.required ?? []).includes(name) || Object.hasOwn(given, name)) return true;
    const rest = resolved(schema.properties[name], context.root).default;
    const empty = value === null || value === "" || (typeof value === "object" && !Object.keys(value).length);
    return !("const" in schema.properties[name]) && !empty && value !== rest && !(value === false && rest === undefined) && !isFirstChoice(schema.properties[name], value, context);
  };
  const value = () => Object.fromEntries(controls.map(([name, control]) => [name, control.value()]).filter(([name, found]) => wanted(name, found)));
  const inside = controls.map(([, control]) => control.element);
  const element = path === "$" ? make("div", {}, inside) : make("fieldset", { "data-path": path }, make("legend", {}, one.label), make("small", { class: "soft" }, one.help), inside);
  return { element, value };
}

function isFirstChoice(given, value, context) {
  const schema = resolved(given, context.root);
  return Boolean(schema.enum) && !("default" in schema) && value === schema.enum[0];
}

// `schema` may be one definition of the root: an exclusion, an override.
function schemaForm(name, value, changed, { part = null, words = {}, choices = {}, options = {} } = {}) {
  const root = VOCABULARY.schemas[name];
  const context = { root, changed, words, choices, options };
  return schemaControl(part ? root.$defs[part] : root, value, "$", context);
}
