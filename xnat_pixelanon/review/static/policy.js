// The policy, with plain words for each key.

const POLICY_WORDS = {
  "$.enabled": ["Armed: runs may publish", "Until this is on, nothing leaves the project. Look at a dry run first. Off stops all publishing at once."],
  "$.launchers": ["Who may start a run", ""],
  "$.destination": ["Where copies go", "The only place that a run may publish to."],
  "$.destination.server": ["Server", "same: this XNAT. Otherwise the name that the administrator gave to the second one, in capitals."],
  "$.destination.project": ["Clean project", "Its ID, not its title. You have to own it."],
  "$.publish": ["When a session goes", ""],
  "$.on_change": ["When what was sent would be decided differently now", ""],
  "$.mixed": ["Scans with several SOP classes or sizes", ""],
  "$.settle_minutes": ["Quiet time in minutes", "How long a session has to be left alone before an event sends it."],
  "$.headers": ["Headers", "The DICOM standard's Basic Profile cleans them. What is chosen here lets more stay."],
  "$.headers.options": ["Options of the profile", "Each lets something stay that the Basic Profile removes."],
  "$.headers.profile": ["Profile", "Without one the script alone decides; what identifies the patient goes all the same."],
  "$.headers.script": ["DicomEdit script", "Run over every header before the profile. It is stored beside this policy, as script."],
  "$.headers.identifiers": ["Words to look for", "Names, numbers and words that must not stay, besides those that headers and XNAT know."],
  "$.headers.exceptions": ["Exceptions", "What happens to single attributes, whatever the profile says."],
  "$.headers.exceptions.tag": ["Tag", "(gggg,eeee), digits and capitals"],
  "$.headers.exceptions.action": ["What happens", ""],
  "$.headers.exceptions.reason": ["Reason", "For people."],
  "$.headers.url_hosts": ["Hosts that the script may ask", "Without port."],
  "$.send_headers_only": ["Objects without pixels that go", "SOP Class UIDs of which the cleaned header is sent."],
  "$.labels": ["Labels on the clean side", ""],
  "$.labels.subject": ["Subjects are named by", ""],
  "$.labels.session": ["Sessions are named by", ""],
  "$.labels.subject_pattern": ["Pattern of subject labels that are kept", "# a digit, @ a letter, + one or more: STUDY7-###. Empty where they are pseudonyms."],
  "$.labels.session_pattern": ["Pattern of session labels that are kept", "As above: STUDY7-###_V#+."],
  "$.labels.prefix": ["Prefix", "In front of each label: at most 16 letters, digits, dashes or underscores."],
  "$.labels.subject_from": ["Who is the same subject", ""],
  "$.pictures": ["Pictures in reports", ""],
  "$.fan_out": ["A container for each session", "A launch on the project starts one for every session, instead of one for all."],
};
const POLICY_CHOICES = {
  "$.launchers=owners": "owners of this project",
  "$.launchers=members": "owners and members",
  "$.publish=complete-sessions": "when all of its scans are decided",
  "$.publish=available-scans": "scan by scan: decided ones go, held ones wait",
  "$.mixed=unsupported": "are never sent",
  "$.mixed=per-instance": "are decided image by image",
  "$.headers.profile=basic": "the DICOM standard's Basic Profile",
  "$.headers.profile=none": "none: the script alone",
  "$.headers.script=script": "the project's script",
  "$.headers.script=null": "none",
  "$.labels.subject=pseudonym": "a pseudonym",
  "$.labels.subject=keep": "their label in staging",
  "$.labels.session=pseudonym": "a pseudonym",
  "$.labels.session=keep": "their label in staging",
  "$.labels.subject_from=subject_label": "same subject in XNAT",
  "$.labels.subject_from=patient_id": "same Patient ID in the headers",
  "$.pictures=none": "none",
  "$.pictures=after": "after blackening only",
  "$.pictures=both": "before and after",
};

function policyView() {
  const element = make("div", { class: "narrow" });
  let form = null;
  const trouble = make("ul", { class: "error", "aria-live": "polite" });

  function told() {
    const value = form.value();
    refill(trouble, ...documentProblems("policy", value).map((one) => make("li", {}, one)));
    change("policy", "a change of the policy", () => value);
  }

  function paint() {
    if (form && state.policy && JSON.stringify(form.value()) === JSON.stringify(state.policy)) return;
    const choices = { ...POLICY_CHOICES, ...Object.fromEntries(Object.entries(VOCABULARY.on_change).map(([key, text]) => [`$.on_change=${key}`, text])) };
    form = state.policy ? schemaForm("policy", state.policy, told, { words: POLICY_WORDS, choices, options: VOCABULARY.options }) : null;
    refill(trouble, ...(form ? documentProblems("policy", form.value()) : []).map((one) => make("li", {}, one)));
    refill(element, 
      make("h1", {}, "Policy"),
      make("p", { class: "soft" }, "What an owner of the project allows. Nothing is published before it is stored and armed."),
      form ? [make("div", { class: "card" }, form.element), trouble] : noPolicy(),
    );
  }
  paint();
  return { element, refresh: paint, title: "Policy" };
}

function noPolicy() {
  return make("div", { class: "card next attention" }, make("p", {}, "This project has no policy: nothing may leave it."),
    button("Write a policy", () => change("policy", "a new policy", () => ({ schema_version: 1, enabled: false, destination: { server: "same", project: "" } })), { class: "primary" }));
}
