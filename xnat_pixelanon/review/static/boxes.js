// Rectangles in stored pixels: rows top..bottom-1, columns left..right-1, whole numbers, inside the image.

function boxText(box) {
  return `rows ${box.top}–${box.bottom}, columns ${box.left}–${box.right}`;
}

function between(value, lowest, highest) {
  return Math.min(Math.max(value, lowest), highest);
}

// From two corners in fractions of pixels: every pixel that is touched by more than a hundredth.
function boxFrom(a, b, size) {
  const left = between(Math.floor(Math.min(a.x, b.x) + 0.01), 0, size.columns - 1);
  const top = between(Math.floor(Math.min(a.y, b.y) + 0.01), 0, size.rows - 1);
  return {
    top,
    left,
    bottom: between(Math.ceil(Math.max(a.y, b.y) - 0.01), top + 1, size.rows),
    right: between(Math.ceil(Math.max(a.x, b.x) - 0.01), left + 1, size.columns),
  };
}

function moved(box, down, right, size) {
  const dy = between(Math.round(down), -box.top, size.rows - box.bottom);
  const dx = between(Math.round(right), -box.left, size.columns - box.right);
  return { top: box.top + dy, left: box.left + dx, bottom: box.bottom + dy, right: box.right + dx };
}

// One edge or corner goes elsewhere; `edges` names them: "top", "left", "bottom", "right".
function resized(box, edges, x, y, size) {
  const found = { ...box };
  if (edges.includes("top")) found.top = between(Math.round(y), 0, box.bottom - 1);
  if (edges.includes("bottom")) found.bottom = between(Math.round(y), box.top + 1, size.rows);
  if (edges.includes("left")) found.left = between(Math.round(x), 0, box.right - 1);
  if (edges.includes("right")) found.right = between(Math.round(x), box.left + 1, size.columns);
  return found;
}

// What is really overwritten in a JPEG: the box, grown by the ring, outward to whole MCUs, and the ring around them.
function effective(box, grid, size) {
  if (!grid) return box;
  const { width, height, beside, over } = grid;
  const down = (value, step) => Math.floor(Math.max(value, 0) / step) * step;
  const up = (value, step) => Math.ceil(value / step) * step;
  return {
    top: Math.max(down(box.top - over, height) - over, 0),
    left: Math.max(down(box.left - beside, width) - beside, 0),
    bottom: Math.min(up(box.bottom + over, height) + over, size.rows),
    right: Math.min(up(box.right + beside, width) + beside, size.columns),
  };
}

function sameBox(a, b) {
  return a.top === b.top && a.left === b.left && a.bottom === b.bottom && a.right === b.right;
}
