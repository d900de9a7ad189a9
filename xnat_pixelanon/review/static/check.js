// Documents are held to the package's JSON Schemas, as far as these go, and to what domain/templates.py adds.

function schemaProblems(name, document) {
  const root = VOCABULARY.schemas[name];
  return [...problemsOf(root, document, "$", root)];
}

function resolved(schema, root) {
  return schema.$ref ? { ...root.$defs[schema.$ref.split("/").pop()], ...schema } : schema;
}

function typeOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}

function* problemsOf(given, value, path, root) {
  const schema = resolved(given, root);
  const types = schema.type ? [schema.type].flat() : [];
  if (types.length && !types.includes(typeOf(value))) {
    yield `${path}: expected ${types.join(" or ")}`;
    return;
  }
  if ("const" in schema && value !== schema.const) yield `${path}: expected ${JSON.stringify(schema.const)}`;
  if (schema.enum && !schema.enum.includes(value)) yield `${path}: expected one of ${schema.enum.join(", ")}`;
  if (typeof value === "string") yield* textProblems(schema, value, path);
  if (typeof value === "number") {
    if (value < (schema.minimum ?? -Infinity)) yield `${path}: expected a number of at least ${schema.minimum}`;
    if (value > (schema.maximum ?? Infinity)) yield `${path}: expected a number of at most ${schema.maximum}`;
  }
  if (Array.isArray(value)) {
    if (value.length > (schema.maxItems ?? Infinity)) yield `${path}: expected at most ${schema.maxItems} items`;
    const texts = value.map((one) => JSON.stringify(one));
    if (schema.uniqueItems && new Set(texts).size < texts.length) yield `${path}: expected each item once`;
    for (const [at, one] of value.entries()) yield* problemsOf(schema.items ?? {}, one, `${path}[${at}]`, root);
  } else if (typeOf(value) === "object") yield* objectProblems(schema, value, path, root);
}

function* textProblems(schema, value, path) {
  const length = [...value].length;
  if (length < (schema.minLength ?? 0)) yield `${path}: expected a text that is not empty`;
  if (length > (schema.maxLength ?? Infinity)) yield `${path}: expected at most ${schema.maxLength} characters`;
  if (schema.pattern && !new RegExp(schema.pattern, "u").test(value)) {
    yield `${path}: ${schema.description ?? `expected a text like ${schema.pattern}`}`;
  }
}

function* objectProblems(schema, value, path, root) {
  const known = schema.properties ?? {};
  const missing = (schema.required ?? []).filter((key) => !Object.hasOwn(value, key));
  if (missing.length) yield `${path}: expected the key ${missing.join(", ")}`;
  if (Object.keys(value).length < (schema.minProperties ?? 0)) yield `${path}: expected at least one key`;
  for (const [key, one] of Object.entries(value)) {
    if (Object.hasOwn(known, key)) yield* problemsOf(known[key], one, `${path}.${key}`, root);
    else if (schema.additionalProperties === false) yield `${path}: unknown key ${key}`;
  }
}

// What a schema cannot say: order and bounds of rectangles, unique ids, names that have to exist.
function* meaningProblems(rules) {
  const ids = rules.templates.map((one) => one.id);
  for (const [at, one] of rules.templates.entries()) {
    const path = `$.templates[${at}]`;
    if (ids.indexOf(one.id) !== at) yield `${path}.id: expected an id that no other template has`;
    yield* templateProblems(one, path);
  }
  const seen = new Set();
  for (const [at, one] of (rules.overrides ?? []).entries()) {
    const path = `$.overrides[${at}]`;
    const key = JSON.stringify([one.session.id, one.series_instance_uid ?? ""]);
    if (seen.has(key)) yield `${path}: expected one override for each series of a session`;
    seen.add(key);
    yield* overrideProblems(one, path, ids);
  }
}

function* templateProblems(one, path) {
  const named = Object.keys(one.match);
  if (!one.rectangles.length) {
    if (!(named.includes("modality") && named.includes("sop_class_uid") && named.length > 2)) {
      yield `${path}.match: a template without rectangles names modality, sop_class_uid and at least one more`;
    }
    return;
  }
  for (const name of ["rows", "columns"]) {
    if (!named.includes(name)) yield `${path}.match: a template with rectangles names rows and columns; ${name} missing`;
  }
  for (const [at, box] of one.rectangles.entries()) {
    const here = `${path}.rectangles[${at}]`;
    if (box.top >= box.bottom) yield `${here}: expected top < bottom`;
    if (box.left >= box.right) yield `${here}: expected left < right`;
    if (box.bottom > (one.match.rows ?? Infinity)) yield `${here}.bottom: expected at most ${one.match.rows}`;
    if (box.right > (one.match.columns ?? Infinity)) yield `${here}.right: expected at most ${one.match.columns}`;
  }
}

function* overrideProblems(one, path, ids) {
  const names = one.templates ?? [];
  if (!("series_instance_uid" in one) && one.action !== "exclude") {
    yield `${path}: expected the key series_instance_uid; only exclude may stand for a whole session`;
  }
  if (one.action === "templates" && !names.length) yield `${path}.templates: expected at least one template id`;
  if (one.action !== "templates" && names.length) yield `${path}.templates: only for the action templates`;
  for (const name of names) if (!ids.includes(name)) yield `${path}.templates: no template has the id ${name}`;
}

// All problems of a document, "" in front of none: what may be stored has none.
function documentProblems(name, document) {
  const found = schemaProblems(name, document);
  if (found.length) return found;
  return [...(name === "templates" ? meaningProblems : policyProblems)(document)];
}
