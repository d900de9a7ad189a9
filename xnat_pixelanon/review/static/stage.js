// The picture to draw on. Boxes live in stored pixels; the picture is stretched to them, whatever its own size.

const EDGES = [["top", "left"], ["top"], ["top", "right"], ["right"], ["bottom", "right"], ["bottom"], ["bottom", "left"], ["left"]];
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

// `act.changed(boxes, what)` is called once a step is done, `act.picked(index)` when another box is selected.
function stage(size, act) {
  const { rows, columns } = size;
  let boxes = [];
  let picked = -1;
  let grid = null;
  let zoom = 0;
  let drag = null;
  const image = make("img", { alt: "", draggable: "false" });
  const layer = draw("svg", { viewBox: `0 0 ${columns} ${rows}`, preserveAspectRatio: "none", class: "drawing", role: "group", "aria-label": "Boxes on the picture" });
  const sheet = make("div", { class: "stage-sheet" }, image, layer);
  const element = make("div", { class: "stage", tabindex: "0", role: "group", "aria-label": "Picture. N makes a new box; Tab goes to the boxes." }, sheet);

  const scale = () => (zoom || Math.max(Math.min((element.clientWidth - 4) / columns, (element.clientHeight - 4) / rows), 0.05));

  function layOut() {
    sheet.style.width = `${Math.round(columns * scale())}px`;
    sheet.style.height = `${Math.round(rows * scale())}px`;
    render();
  }

  function place(event) {
    const area = layer.getBoundingClientRect();
    return { x: ((event.clientX - area.left) * columns) / area.width, y: ((event.clientY - area.top) * rows) / area.height };
  }

  function rectangle(box, given) {
    return draw("rect", { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top, ...given });
  }

  function boxNode(box, at) {
    const unit = 1 / scale();
    const grown = effective(box, grid, size);
    const node = draw("g", { tabindex: "0", role: "button", class: at === picked ? "box picked" : "box", "data-at": at, "aria-label": `Box ${at + 1}: ${boxText(box)}`, "aria-pressed": at === picked });
    if (!sameBox(grown, box)) node.append(rectangle(grown, { class: "grown" }));
    node.append(rectangle(box, { class: "body" }));
    const font = Math.min(14 * unit, (box.bottom - box.top) * 0.8);
    node.append(draw("text", { x: box.left + 4 * unit, y: box.top + font, "font-size": font }, String(at + 1)));
    if (at === picked) for (const edges of EDGES) node.append(...handle(box, edges, unit));
    return node;
  }

  function handle(box, edges, unit) {
    const x = edges.includes("left") ? box.left : edges.includes("right") ? box.right : (box.left + box.right) / 2;
    const y = edges.includes("top") ? box.top : edges.includes("bottom") ? box.bottom : (box.top + box.bottom) / 2;
    const square = (half, kind) => draw("rect", { x: x - half, y: y - half, width: 2 * half, height: 2 * half, class: kind, "data-edges": edges.join(" "), "data-at": picked });
    return [square(12 * unit, "reach"), square(4.5 * unit, "handle")];
  }

  function render() {
    const held = layer.contains(document.activeElement) ? Number(document.activeElement.dataset.at) : -1;
    refill(layer, ...boxes.map(boxNode));
    if (drag?.fresh) layer.append(rectangle(drag.fresh, { class: "body fresh" }));
    if (held >= 0 && held < boxes.length) layer.children[held].focus({ preventScroll: true });
  }

  function pick(at) {
    picked = at;
    act.picked(at);
    render();
  }

  function put(at, box, what) {
    if (sameBox(boxes[at], box)) return;
    boxes = boxes.map((one, index) => (index === at ? box : one));
    render();
    if (what) act.changed(boxes, what);
  }

  function add(box) {
    boxes = [...boxes, box];
    act.changed(boxes, `box ${boxes.length}`);
    pick(boxes.length - 1);
  }

  function remove(at) {
    boxes = boxes.filter((_, index) => index !== at);
    act.changed(boxes, `box ${at + 1} deleted`);
    pick(Math.min(at, boxes.length - 1));
  }

  function newBox() {
    const [high, wide] = [Math.max(Math.round(rows / 8), 1), Math.max(Math.round(columns / 4), 1)];
    const top = Math.floor((rows - high) / 2);
    const left = Math.floor((columns - wide) / 2);
    add({ top, left, bottom: top + high, right: left + wide });
    layer.lastElementChild.focus();
  }

  layer.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    layer.setPointerCapture(event.pointerId);
    const at = Number(event.target.closest("[data-at]")?.dataset.at ?? -1);
    const edges = event.target.dataset.edges?.split(" ");
    drag = { from: place(event), at, edges, before: boxes[at] };
    if (at >= 0 && at !== picked) pick(at);
    if (at >= 0) layer.children[at].focus({ preventScroll: true });
  });
  layer.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const now = place(event);
    if (drag.at < 0) {
      drag.fresh = boxFrom(drag.from, now, size);
      render();
    } else if (drag.edges) put(drag.at, resized(drag.before, drag.edges, now.x, now.y, size));
    else put(drag.at, moved(drag.before, now.y - drag.from.y, now.x - drag.from.x, size));
  });
  layer.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const { fresh, at, before, from } = drag;
    drag = null;
    const far = Math.hypot(place(event).x - from.x, place(event).y - from.y) * scale() > 4;
    if (at >= 0 && !sameBox(before, boxes[at])) act.changed(boxes, `box ${at + 1} changed`);
    else if (at < 0 && fresh && far) add(fresh);
    else if (at < 0) pick(-1);
  });
  layer.addEventListener("pointercancel", () => {
    if (drag && drag.at >= 0) put(drag.at, drag.before);
    drag = null;
    render();
  });
  layer.addEventListener("focusin", (event) => {
    const at = Number(event.target.closest("g[data-at]")?.dataset.at ?? -1);
    if (at >= 0 && at !== picked) pick(at);
  });

  element.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "n" && !event.ctrlKey && !event.metaKey && !event.altKey) newBox();
    else if (!layer.contains(event.target) || picked < 0) return;
    else if (event.key === "Delete" || event.key === "Backspace") remove(picked);
    else if (ARROWS[event.key]) {
      const box = boxes[picked];
      const step = event.shiftKey ? 10 : 1;
      const [down, right] = ARROWS[event.key].map((one) => one * step);
      const edge = down ? "bottom" : "right";
      const next = event.ctrlKey || event.altKey ? resized(box, [edge], box.right + right, box.bottom + down, size) : moved(box, down, right, size);
      put(picked, next, `box ${picked + 1} changed`);
    } else return;
    event.preventDefault();
  });
  const observer = new ResizeObserver(layOut);
  observer.observe(element);

  return {
    element,
    show(url) { image.hidden = !url; if (url) image.src = url; },
    look(brightness, contrast) { image.style.filter = `brightness(${brightness}%) contrast(${contrast}%)`; },
    zoom(factor) { zoom = factor; layOut(); },
    scale,
    seeThrough(on) { layer.classList.toggle("see-through", on); },
    drawing(on) { layer.classList.toggle("panning", !on); },
    set(given, at = picked) { boxes = given; picked = Math.min(at, given.length - 1); render(); },
    grid(given) { grid = given; render(); },
    put(at, box) { put(at, box, `box ${at + 1} changed`); },
    pick, remove, newBox,
    close: () => observer.disconnect(),
  };
}
