// What the schema cannot say of a policy, as domain/policy.py and domain/header_rules.py say it: same order, same words.

const DATES = ["retain-dates-full", "retain-dates-modified"];

function* policyProblems(policy) {
  yield* labelProblems(policy.labels ?? {});
  yield* headerProblems(policy.headers ?? {});
  const options = policy.headers?.options ?? [];
  for (const [at, uid] of (policy.send_headers_only ?? []).entries()) {
    const problem = headersOnlyProblem(uid, options);
    if (problem) yield `$.send_headers_only[${at}]: ${problem}`;
  }
}

function* labelProblems(labels) {
  const letters = VOCABULARY.policy.fixed_letters;
  for (const key of ["subject", "session"]) {
    const pattern = labels[`${key}_pattern`] ?? null;
    if (labels[key] !== "keep") {
      if (pattern !== null) yield `$.labels.${key}_pattern: no label is kept; expected "keep" in $.labels.${key}, or no pattern`;
    } else if (pattern === null) {
      yield `$.labels.${key}_pattern: missing; a label is kept where it matches a pattern, as STUDY7-###`;
    } else if ((pattern.match(/\p{L}/gu) ?? []).length < letters) {
      yield `$.labels.${key}_pattern: expected ${letters} letters or more that stand for themselves: a hospital's own numbers must not match`;
    }
  }
  if (labels.subject === "keep" && labels.subject_from === "patient_id") {
    yield '$.labels.subject: the label is kept, and subject_from is patient_id; expected "subject_label"';
  }
  if (labels.prefix && labels.subject === "keep" && labels.session === "keep") {
    yield "$.labels.prefix: it stands before pseudonyms, and there are none; expected an empty one";
  }
}

function* headerProblems(headers) {
  if (headers.profile === "none") {
    if (!headers.script) yield '$.headers.profile: none leaves all to a script, and there is none; expected "basic", or a script';
    for (const key of ["options", "exceptions"]) {
      if (headers[key]?.length) yield `$.headers.${key}: they change a profile, and profile is none; expected []`;
    }
  }
  if (headers.url_hosts?.length && !headers.script) {
    yield "$.headers.url_hosts: only a script asks other servers, and there is none; expected []";
  }
  if (DATES.every((one) => headers.options?.includes(one))) {
    yield `$.headers.options: ${DATES[0]} keeps dates as they are and ${DATES[1]} moves them; expected one of the two`;
  }
  yield* exceptionProblems(headers.exceptions ?? []);
}

function* exceptionProblems(exceptions) {
  const { fixed_tags, pixel_groups } = VOCABULARY.policy;
  const seen = new Set();
  for (const [at, { tag }] of exceptions.entries()) {
    const where = `$.headers.exceptions[${at}].tag`;
    if (seen.has(tag)) yield `${where}: ${tag} has an exception already`;
    seen.add(tag);
    if (parseInt(tag.slice(1, 5), 16) % 2) yield `${where}: ${tag} is private; expected a standard attribute`;
    else if (tag < "(0008" || tag >= "(7FE0" || fixed_tags.includes(tag) || pixel_groups.some((one) => tag.startsWith(one))) {
      yield `${where}: ${tag} is what the object is, or says how it was made; expected another attribute`;
    }
  }
}

function headersOnlyProblem(uid, options) {
  for (const [prefix, needed] of Object.entries(VOCABULARY.policy.headers_only)) {
    const under = prefix.endsWith(".") ? uid.startsWith(prefix) : uid === prefix || uid.startsWith(`${prefix}.`);
    if (!under) continue;
    return needed.length && !needed.some((one) => options.includes(one)) ? `expected with the option ${needed.join(" or ")} only` : "";
  }
  return "not one of the SOP classes that are sent so: it may hold pixels, a document, or what no rule cleans";
}

// What `push` refuses besides: a project that sends into itself.
function destinationProblems(policy) {
  const { server, project } = policy.destination;
  return SURVEY.source === "xnat" && server === "same" && project === SURVEY.project
    ? ["the policy's destination is the staging project itself. name the clean project in destination"] : [];
}
