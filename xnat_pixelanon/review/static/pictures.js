// Pictures of the survey: decoded once, and shown with what will be black.

const PICTURE_TYPES = new Set(["image/jpeg", "image/png", "image/webp"]);
const pictureUrls = new Map();

function pictureUrl(index) {
  const picture = SURVEY.pictures[index];
  if (!picture || !PICTURE_TYPES.has(picture.type)) return "";
  if (!pictureUrls.has(index)) {
    const bytes = Uint8Array.from(atob(picture.data), (letter) => letter.charCodeAt(0));
    pictureUrls.set(index, URL.createObjectURL(new Blob([bytes], { type: picture.type })));
  }
  return pictureUrls.get(index);
}

// A picture of `size` stored pixels with black boxes over it; `paint(boxes)` changes them.
function thumbnail(size, longest = 144) {
  const image = make("img", { alt: "", decoding: "async", draggable: "false" });
  const none = make("span", { class: "no-picture" }, "no picture");
  const layer = make("span", { class: "layer" });
  const frame = make("span", { class: "frame" }, image, layer);
  const element = make("span", { class: "thumbnail" }, frame, none);

  function show(index) {
    const url = pictureUrl(index);
    frame.hidden = !url;
    none.hidden = Boolean(url);
    if (url && image.getAttribute("src") !== url) image.src = url;
  }

  function fit({ rows, columns }) {
    const scale = longest / Math.max(rows || 1, columns || 1);
    frame.style.width = `${Math.max(Math.round((columns || 1) * scale), 1)}px`;
    frame.style.height = `${Math.max(Math.round((rows || 1) * scale), 1)}px`;
  }

  function paint(boxes, { rows, columns }) {
    refill(layer, 
      ...boxes.map((box) => {
        const shade = make("span", { class: "shade" });
        shade.style.top = `${(100 * box.top) / rows}%`;
        shade.style.left = `${(100 * box.left) / columns}%`;
        shade.style.height = `${(100 * (box.bottom - box.top)) / rows}%`;
        shade.style.width = `${(100 * (box.right - box.left)) / columns}%`;
        return shade;
      }),
    );
  }

  fit(size);
  return { element, show, fit, paint };
}
