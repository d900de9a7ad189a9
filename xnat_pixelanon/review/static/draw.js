// Draw: the picture on the left, boxes and the template's text on the right.

function drawView(number, templateId, scanAt) {
  const group = SURVEY.groups[number];
  const stored = state.templates.templates.find((one) => one.id === templateId);
  if (!group || !group.rows || (templateId !== "new" && !stored)) return missingView();
  const size = stored?.match.rows ? { rows: stored.match.rows, columns: stored.match.columns ?? group.columns } : { rows: group.rows, columns: group.columns };
  const past = [];
  let boxes = stored ? structuredClone(stored.rectangles) : [];
  const scene = stage(size, { changed: (now, what) => remember(now, what), picked: (at) => { for (const row of list.children) row.classList.toggle("picked", Number(row.dataset.at) === at); } });
  const list = make("ol", { class: "boxes", "aria-label": "Boxes, in stored pixels" });
  const editor = matchEditor(group, stored ? stored.match : groupMatch(group), () => reach.tell(editor.value()));
  const reach = reachLine();
  reach.tell(editor.value());
  const title = make("input", { maxlength: "200", autocomplete: "off", value: stored?.title ?? "" });
  const note = make("textarea", { maxlength: "2000", rows: "2", value: stored?.note ?? "" });
  const id = make("input", { maxlength: "64", autocomplete: "off", value: stored?.id ?? newTemplateId(group, ""), disabled: Boolean(stored) });
  const trouble = make("p", { class: "error", role: "alert" });
  const keep = button(stored ? "Keep changes" : "Keep template", store, { class: "primary" });

  function remember(now, what) {
    past.push(boxes);
    boxes = now;
    paint();
    paintTop();
    say(`${what}.`);
  }

  function undoHere() {
    if (!past.length) return false;
    boxes = past.pop();
    scene.set(boxes);
    paint();
    say("Taken back.");
    return true;
  }

  function paint() {
    const same = list.children.length === boxes.length;
    if (!same) refill(list, ...boxes.map((_, at) => boxRow(at)));
    boxes.forEach((box, at) => {
      for (const input of list.children[at].querySelectorAll("input")) input.value = box[input.name];
      const grown = effective(box, pictures.grid(), size);
      list.children[at].querySelector(".grown").textContent = sameBox(grown, box) ? "" : `JPEG: really ${boxText(grown)}`;
    });
    keep.disabled = !boxes.length;
    trouble.textContent = "";
  }

  function boxRow(at) {
    const input = (name) => make("input", { type: "number", name, step: "1", min: "0", max: String(name === "top" || name === "bottom" ? size.rows : size.columns), on: { change: (event) => typed(at, name, event.target), focus: () => scene.pick(at) } });
    const named = (name) => make("label", {}, name, input(name));
    return make("li", { "data-at": at }, make("div", { class: "numbers" }, ["top", "left", "bottom", "right"].map(named)),
      button("Delete", () => scene.remove(at), { "aria-label": `Delete box ${at + 1}` }), make("small", { class: "grown" }));
  }

  function typed(at, name, input) {
    const wanted = { ...boxes[at], [name]: Math.round(Number(input.value)) };
    const fits = wanted.top >= 0 && wanted.left >= 0 && wanted.top < wanted.bottom && wanted.left < wanted.right && wanted.bottom <= size.rows && wanted.right <= size.columns;
    if (input.value !== "" && fits) scene.put(at, wanted);
    else say(`Not inside the image of ${size.rows} rows and ${size.columns} columns, or empty: put back.`);
    paint();
  }

  function store() {
    const match = editor.value();
    const { rows, columns } = match.rows && match.columns ? {} : size;
    const made = { ...(stored ?? {}), id: id.value.trim(), title: title.value.trim(), match: { ...match, ...(rows ? { rows, columns } : {}) }, rectangles: boxes, note: note.value };
    const others = state.templates.templates.filter((one) => one !== stored);
    const wrong = documentProblems("templates", { ...emptyTemplates(), templates: [made] });
    if (others.some((one) => one.id === made.id)) wrong.push("another template has this id");
    if (wrong.length) {
      trouble.textContent = wrong.join("; ");
      return;
    }
    change("templates", `template ${made.id}`, (rules) => {
      const at = rules.templates.findIndex((one) => one.id === templateId);
      if (at < 0) rules.templates.push(made);
      else rules.templates[at] = made;
    });
    past.length = 0;
    say(`Template ${made.id} is kept: the tiles show what will be black. Save stores it.`);
    openGroup(group);
  }

  const pictures = pictureChooser(group, scanAt, scene, () => paint());
  const side = make("aside", { class: "side-panel", "aria-label": "Template" },
    make("h2", {}, "Boxes"), make("p", { class: "soft" }, `Stored pixels: ${size.rows} rows, ${size.columns} columns; bottom and right are the first ones left alone.`),
    list, make("p", { class: "actions" }, button("New box (N)", () => scene.newBox())),
    field("Title", title), field("Id", id, stored ? "" : "a-z, 0-9, dot, dash, underscore"), editor.element, reach.element, field("Note", note));
  scene.set(boxes);
  paint();
  return {
    element: make("div", { class: "filled" },
      make("div", { class: "crumbs" }, make("a", { href: "#/groups" }, "Groups"), " / ", make("a", { href: `#/group/${number}` }, groupTitle(group)), " / ", make("h1", {}, stored ? stored.title || stored.id : "New template")),
      make("div", { class: "drawing-room" }, make("div", { class: "picture-side" }, pictures.element, scene.element), make("div", { class: "panel" }, side, make("div", { class: "panel-foot" }, trouble, make("div", { class: "actions" }, keep, button("Cancel", () => openGroup(group))))))),
    refresh() {}, undo: undoHere, close: scene.close, unsaved: () => past.length > 0, title: "Draw",
  };
}

// Which picture is shown, how it is windowed, how large: of the scan that was opened, then of the group.
function pictureChooser(group, scanAt, scene, changedGrid) {
  const scan = SURVEY.scans[scanAt];
  const own = scan ? scan.pictures.map((one) => ({ ...one, shows: `scan ${scan.scan}: ${one.shows}` })) : [];
  const shown = [...own, ...group.pictures];
  const named = [["maximum", "brightest of all frames"], ["minimum", "darkest of all frames"]];
  for (const [name, shows] of named) if (group[name] !== null && group[name] !== undefined) shown.push({ picture: group[name], shows });
  if (!shown.length && scan && scan.thumbnail !== null) shown.push({ picture: scan.thumbnail, shows: "thumbnail" });
  const jpeg = scansOfGroup.get(group.id).map((at) => SURVEY.scans[at].grid).find(Boolean) ?? null;
  const grid = () => (scan ? scan.grid : jpeg);
  const slider = make("input", { type: "range", min: "0", max: String(Math.max(shown.length - 1, 0)), value: "0", disabled: shown.length < 2 });
  const told = make("output", { class: "shows" });
  const range = (lowest, highest) => make("input", { type: "range", min: String(lowest), max: String(highest), value: "100" });
  const brightness = range(20, 400);
  const contrast = range(20, 400);
  const zoom = make("select", {}, [["0", "Fit"], ["0.5", "50 %"], ["1", "100 %"], ["2", "200 %"], ["4", "400 %"]].map(([value, text]) => make("option", { value }, text)));
  const through = make("input", { type: "checkbox" });
  const hand = make("input", { type: "checkbox" });

  function show() {
    const one = shown[Number(slider.value)];
    scene.show(one ? pictureUrl(one.picture) : "");
    told.textContent = one ? `${Number(slider.value) + 1} of ${shown.length}: ${one.shows}` : "The survey has no picture of this group.";
    slider.setAttribute("aria-valuetext", told.textContent);
  }
  slider.addEventListener("input", show);
  for (const one of [brightness, contrast]) one.addEventListener("input", () => scene.look(brightness.value, contrast.value));
  zoom.addEventListener("change", () => scene.zoom(Number(zoom.value)));
  through.addEventListener("change", () => scene.seeThrough(through.checked));
  hand.addEventListener("change", () => scene.drawing(!hand.checked));
  const reset = button("Reset", () => { brightness.value = "100"; contrast.value = "100"; scene.look(100, 100); }, { "aria-label": "Reset brightness and contrast" });
  queueMicrotask(() => { show(); scene.grid(grid()); changedGrid(); });
  return {
    grid,
    element: make("div", { class: "tools" }, field("Frame", slider), told, field("Brightness", brightness), field("Contrast", contrast), reset, field("Zoom", zoom), ticked("See through", through), ticked("Move picture", hand)),
  };
}
