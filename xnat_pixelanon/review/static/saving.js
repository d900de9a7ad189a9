// Three ways to store: through the loopback server of `review`, in XNAT's config service, or as a file.

class Conflict extends Error {
  constructor(theirs, message = "") {
    super(message || "somebody stored another version since this page was opened");
    this.theirs = theirs;
  }
}

class Refused extends Error {
  constructor(message, problems = []) {
    super(message);
    this.problems = problems;
  }
}

const FILES = { templates: "templates.json", policy: "policy.json" };

// Key order of a stored document: the version that it is based on stands in front.
function withVersion(document, version) {
  const { schema_version, ...rest } = document;
  return { schema_version, ...(version === null ? {} : { based_on: version }), ...rest };
}

async function asked(url, options = {}) {
  let answer;
  try {
    answer = await fetch(url, { cache: "no-store", credentials: "same-origin", ...options });
  } catch {
    throw new Refused("The server does not answer. Nothing was stored; try again.");
  }
  return answer;
}

function liveSaver(token) {
  const headers = { "Content-Type": "application/json", "X-Pixelanon-Token": token };
  return {
    kind: "live",
    title: "Live",
    told: `Save stores straight into project ${SURVEY.project}.`,
    async load() {
      const answer = await asked("documents", { headers });
      if (!answer.ok) throw new Refused("The review server no longer knows this page: start review again.");
      return answer.json();
    },
    async save(name, document, basedOn) {
      const body = JSON.stringify(withVersion(document, basedOn));
      const answer = await asked(`documents/${FILES[name]}`, { method: "PUT", headers, body });
      const found = await answer.json().catch(() => ({}));
      if (answer.status === 409) throw new Conflict(found.theirs, found.message);
      if (!answer.ok) throw new Refused(found.message ?? "The review server refused it.", found.problems);
      return found.version;
    },
  };
}

function fileSaver() {
  return {
    kind: "file",
    title: "File",
    told: "This page cannot store: Save downloads the documents, and you upload them to the project.",
    async load() {
      return SURVEY.documents;
    },
    async save(name, content, basedOn) {
      const text = `${JSON.stringify(withVersion(content, basedOn), null, 1)}\n`;
      const link = make("a", { download: FILES[name], href: URL.createObjectURL(new Blob([text])) });
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      return basedOn;
    },
  };
}

// In XNAT: same origin, the login of the person who looks, CSRF token, and the config service of the project.
function xnatSaver(base) {
  const project = `${base}/data/projects/${encodeURIComponent(SURVEY.project)}`;
  const place = (name) => `${project}/config/pixelanon/${name}`;

  async function rows(name, query = "") {
    const answer = await asked(`${place(name)}?format=json&accept-not-found=true${query}`, { headers: { Accept: "application/json" } });
    if (answer.status === 404 || answer.status === 204) return [];
    const json = (answer.headers.get("content-type") ?? "").includes("json");
    if (!answer.ok || !json) throw new Refused("XNAT does not show the project's documents: log in again, then Save.");
    return (await answer.json()).ResultSet.Result.map((row) => ({ ...row, version: Number(row.version) }));
  }

  async function newest(name) {
    const found = (await rows(name)).sort((a, b) => b.version - a.version)[0];
    return found ? { ...found, gone: (found.status ?? "").toLowerCase() === "disabled" } : null;
  }

  async function put(name, text) {
    const answer = await asked(`${base}/data/JSESSION?CSRF=true`);
    const token = (await answer.text()).split("XNAT_CSRF=")[1]?.trim() ?? "";
    // JSON goes as text: XNAT takes application/json for an envelope of its own.
    const stored = await asked(`${place(name)}?XNAT_CSRF=${encodeURIComponent(token)}`, {
      method: "PUT",
      headers: { "Content-Type": "text/plain; charset=UTF-8" },
      body: text.replace(/[^\x00-\x7f]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`),
    });
    if (stored.status === 401 || stored.redirected) throw new Refused("XNAT has ended your login: log in, then Save.");
    if (stored.status === 403) throw new Refused("Only an owner of the project may store this.");
    if (!stored.ok) throw new Refused(`XNAT refused it, with status ${stored.status}. Nothing was stored.`);
  }

  function parsed(row) {
    try {
      return { version: row.version, document: JSON.parse(row.contents) };
    } catch {
      return { version: row.version, document: null };
    }
  }

  // Of two at the same moment the first one's stands, and a policy is not armed then: as the program does.
  async function verified(name, text, before) {
    const after = await newest(name);
    if (!after || after.gone || JSON.stringify(parsed(after).document) !== JSON.stringify(JSON.parse(text))) {
      throw new Conflict(after && !after.gone ? parsed(after) : null);
    }
    const first = (before?.version ?? 0) + 1;
    if (after.version <= first) return after.version;
    const theirs = (await rows(name, "&action=getHistory")).find((row) => row.version === first);
    const document = theirs ? parsed(theirs).document : null;
    if (document) {
      await put(name, JSON.stringify(name === FILES.policy ? { ...document, enabled: false } : document));
    }
    throw new Conflict(parsed(await newest(name)), "somebody stored a version at the same moment; theirs stands");
  }

  async function makeKey() {
    if (await newest("key")) return;
    const bytes = crypto.getRandomValues(new Uint8Array(VOCABULARY.key_bytes));
    await put("key", btoa(String.fromCharCode(...bytes)));
  }

  return {
    kind: "xnat",
    title: "In XNAT",
    told: `Save stores into project ${SURVEY.project} of this XNAT, with your login.`,
    async load() {
      const found = {};
      for (const [name, file] of Object.entries(FILES)) {
        const row = await newest(file);
        found[name] = row && !row.gone ? parsed(row) : { version: null, document: null };
      }
      return found;
    },
    async save(name, document, basedOn) {
      const before = await newest(FILES[name]);
      const current = before && !before.gone ? before.version : null;
      if (current !== basedOn) throw new Conflict(current === null ? null : parsed(before));
      if (name === "policy") await makeKey();
      const text = `${JSON.stringify(withVersion(document, basedOn), null, 1)}\n`;
      await put(FILES[name], text);
      return verified(FILES[name], text, before);
    },
  };
}

function chosenSaver() {
  if (DATA.live) return liveSaver(DATA.live);
  const found = location.pathname.match(/^(.*?)\/data\/(?:archive\/)?projects\/([^/]+)\/resources\//);
  const here = location.protocol.startsWith("http") && found && decodeURIComponent(found[2]) === SURVEY.project;
  return here ? xnatSaver(found[1]) : fileSaver();
}
