// The scans of a group as tiles. Only the rows in sight are in the page, so that thousands scroll smoothly.

const TILE = { width: 176, height: 232, spare: 2 };

// `act.open(scan index)`, `act.selected()` are called on Enter or double click, and when the selection changed.
function scanGrid(indices, group, act) {
  const selection = new Set();
  const tiles = new Map();
  const free = [];
  let columns = 1;
  let active = 0;
  let anchor = 0;
  let waiting = false;
  const sheet = make("div", { class: "sheet", role: "presentation" });
  const element = make("div", {
    class: "grid", role: "listbox", tabindex: "0", "aria-multiselectable": "true",
    "aria-label": `Scans of ${groupTitle(group)}. Arrows move, Space selects, Enter opens, Ctrl A selects all.`,
  }, sheet);

  function newTile() {
    const shown = thumbnail(group);
    const tick = make("span", { class: "tick-sign", "aria-hidden": "true" });
    const name = make("span", { class: "tile-name" });
    const state = make("span", { class: "tile-state" });
    const node = make("div", { class: "tile", role: "option", id: newId() }, tick, shown.element, name, state);
    return { node, shown, name, state, tick };
  }

  function fill(tile, at) {
    const scan = SURVEY.scans[indices[at]];
    const found = decided()[indices[at]];
    const label = `${scan.session.label || scan.session.id} · ${scan.scan}`;
    if (tile.at !== at) {
      tile.at = at;
      tile.shown.show(scan.thumbnail);
      tile.name.textContent = label;
      tile.name.title = label;
      tile.node.style.transform = `translate(${(at % columns) * TILE.width}px, ${Math.floor(at / columns) * TILE.height}px)`;
      tile.node.setAttribute("aria-posinset", at + 1);
      tile.node.setAttribute("aria-setsize", indices.length);
    }
    const key = `${found.code} ${found.boxes.map(boxText)} ${scan.provisional}`;
    if (tile.key !== key) {
      tile.key = key;
      if (group.rows) tile.shown.paint(found.boxes, group);
      refill(tile.state, mark(found.kind, `${KINDS[found.kind]}${scan.provisional ? ", provisional" : ""}`));
      tile.state.title = sentence(VOCABULARY.codes[found.code].meaning);
    }
    const chosen = selection.has(at);
    tile.node.setAttribute("aria-selected", chosen);
    tile.tick.textContent = chosen ? "✓" : "";
    tile.node.setAttribute("aria-label", `${label}, ${KINDS[found.kind]}, ${counted(found.boxes.length, "box", "boxes")}`);
    tile.node.classList.toggle("active", at === active);
    if (at === active) element.setAttribute("aria-activedescendant", tile.node.id);
  }

  function paint() {
    waiting = false;
    const wanted = Math.max(Math.floor(element.clientWidth / TILE.width), 1);
    if (wanted !== columns) {
      columns = wanted;
      for (const tile of tiles.values()) tile.at = -1;
    }
    const rows = Math.ceil(indices.length / columns);
    sheet.style.height = `${rows * TILE.height}px`;
    const top = Math.floor(element.scrollTop / TILE.height) - TILE.spare;
    const bottom = Math.ceil((element.scrollTop + element.clientHeight) / TILE.height) + TILE.spare;
    const from = Math.max(top, 0) * columns;
    const to = Math.min(bottom * columns, indices.length);
    for (const [at, tile] of tiles) {
      if (at >= from && at < to) continue;
      tiles.delete(at);
      free.push(tile);
    }
    for (let at = from; at < to; at += 1) {
      let tile = tiles.get(at);
      if (!tile) {
        tile = free.pop() ?? newTile();
        tiles.set(at, tile);
        if (!tile.node.isConnected) sheet.append(tile.node);
        tile.node.hidden = false;
      }
      fill(tile, at);
    }
    for (const tile of free) tile.node.hidden = true;
  }

  function later() {
    if (!waiting) requestAnimationFrame(paint);
    waiting = true;
  }

  function reveal(at) {
    active = between(at, 0, indices.length - 1);
    const row = Math.floor(active / columns) * TILE.height;
    if (row < element.scrollTop) element.scrollTop = row;
    const over = row + TILE.height - element.clientHeight;
    if (over > element.scrollTop) element.scrollTop = over;
    paint();
  }

  function select(at, { range = false } = {}) {
    if (range) {
      const [from, to] = [Math.min(anchor, at), Math.max(anchor, at)];
      for (let one = from; one <= to; one += 1) selection.add(one);
    } else if (!selection.delete(at)) selection.add(at);
    if (!range) anchor = at;
    act.selected();
    reveal(at);
  }

  function selectAll(all = true) {
    selection.clear();
    if (all) indices.forEach((_, at) => selection.add(at));
    act.selected();
    paint();
  }

  function atOf(event) {
    const node = event.target.closest(".tile");
    return [...tiles].find(([, tile]) => tile.node === node)?.[0];
  }

  const steps = { ArrowRight: () => 1, ArrowLeft: () => -1, ArrowDown: () => columns, ArrowUp: () => -columns,
    PageDown: () => columns * 3, PageUp: () => -columns * 3, Home: () => -indices.length, End: () => indices.length };
  element.addEventListener("keydown", (event) => {
    if (steps[event.key]) {
      reveal(active + steps[event.key]());
      if (event.shiftKey) select(active, { range: true });
    } else if (event.key === " ") select(active, { range: event.shiftKey });
    else if (event.key === "Enter") act.open(indices[active]);
    else if (event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) selectAll();
    else if (event.key === "Escape" && selection.size) selectAll(false);
    else return;
    event.preventDefault();
  });
  element.addEventListener("click", (event) => {
    const at = atOf(event);
    if (at !== undefined) select(at, { range: event.shiftKey });
  });
  element.addEventListener("dblclick", (event) => {
    const at = atOf(event);
    if (at !== undefined) act.open(indices[at]);
  });
  element.addEventListener("scroll", later, { passive: true });
  const observer = new ResizeObserver(later);
  observer.observe(element);

  return {
    element,
    refresh: later,
    selectAll,
    chosen: () => [...selection].sort((a, b) => a - b).map((at) => indices[at]),
    close: () => observer.disconnect(),
  };
}
