// Templates and exclusions match as domain/criteria.py says: a test compares both.

const FOLDED = new Map(Object.entries(VOCABULARY.folded));

// Python's str.casefold: character by character, whatever stands beside it.
function casefold(text) {
  let folded = "";
  for (const letter of text) folded += FOLDED.get(letter) ?? letter;
  return folded;
}

// `*` stands for any text, also for none.
function textMatches(wanted, found) {
  const parts = casefold(wanted).split("*");
  const text = casefold(found);
  if (parts.length === 1) return parts[0] === text;
  const first = parts.shift();
  const last = parts.pop();
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

// An attribute that is missing or empty never matches.
function matches(match, attributes) {
  return Object.entries(match).every(([name, wanted]) => {
    const found = Object.hasOwn(attributes, name) ? attributes[name] : "";
    if (!found) return false;
    return VOCABULARY.criteria[name].text ? textMatches(String(wanted), found) : String(wanted) === found;
  });
}
