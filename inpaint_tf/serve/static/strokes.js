// Draws strokes on a canvas, in the photo's pixels, as the server draws them (its strokes.py says what each means).
// This is for looking at: what is filled is decided by the server, at the photo's full size.

function path(context, points, closed) {
  context.beginPath();
  context.moveTo(points[0][0], points[0][1]);
  for (const [x, y] of points.slice(1)) context.lineTo(x, y);
  if (closed) context.closePath();
}

function line(context, stroke) {
  if (stroke.points.length === 1) {
    context.beginPath();
    context.arc(stroke.points[0][0], stroke.points[0][1], stroke.size / 2, 0, 2 * Math.PI);
    context.fill();
    return;
  }
  context.lineWidth = stroke.size;
  path(context, stroke.points, false);
  context.stroke();
}

// Copies of the canvas around a circle: what a disc of that radius would reach. Radius in canvas pixels.
function widen(context, radius) {
  const { canvas } = context;
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  copy.getContext("2d").drawImage(canvas, 0, 0);
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  for (let left = radius; left > 0; left -= Math.max(4, radius / 3)) {
    const copies = Math.min(48, Math.max(8, Math.ceil(2 * left)));
    for (let i = 0; i < copies; i++) {
      const angle = (2 * Math.PI * i) / copies;
      context.drawImage(copy, left * Math.cos(angle), left * Math.sin(angle));
    }
  }
  context.restore();
}

// context: its transform maps the photo's pixels to the canvas; size: of the photo; masks: id -> bitmap.
export function draw(context, strokes, size, masks) {
  const scale = context.getTransform().a;
  const invert = () => {
    context.globalCompositeOperation = "xor";
    context.fillRect(0, 0, size.width, size.height);
    context.globalCompositeOperation = "source-over";
  };
  context.lineCap = context.lineJoin = "round";
  context.fillStyle = context.strokeStyle = "#fff";
  for (const stroke of strokes) {
    context.globalCompositeOperation = stroke.op === "erase" ? "destination-out" : "source-over";
    switch (stroke.op) {
      case "brush": case "erase": line(context, stroke); break;
      case "box": {
        const [[x0, y0], [x1, y1]] = [stroke.from, stroke.to];
        context.fillRect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0));
        break;
      }
      case "lasso": path(context, stroke.points, true); context.fill(); break;
      case "mask": if (masks.get(stroke.id)) context.drawImage(masks.get(stroke.id), 0, 0); break;
      case "invert": invert(); break;
      case "clear": context.clearRect(-1e6, -1e6, 2e6, 2e6); break;
      case "grow":
        if (stroke.pixels > 0) widen(context, stroke.pixels * scale);
        else { invert(); widen(context, -stroke.pixels * scale); invert(); }
    }
  }
  // Nothing lies outside the photo.
  context.globalCompositeOperation = "destination-in";
  context.fillRect(0, 0, size.width, size.height);
  context.globalCompositeOperation = "source-over";
}

// Whether anything may be marked: a guess that never says no to something that is there.
export function mayMark(strokes) {
  let marked = false;
  for (const { op } of strokes) {
    if (op === "clear") marked = false;
    else if (op !== "erase" && op !== "grow") marked = true;
  }
  return marked;
}

// Coordinates as numbers with three decimals: a thousandth of a pixel is enough, and the request stays small.
const short = ([x, y]) => [Math.round(x * 1000) / 1000, Math.round(y * 1000) / 1000];
export const forServer = (strokes) => strokes.map((stroke) => {
  const sent = { ...stroke };
  if (sent.points) sent.points = sent.points.map(short);
  if (sent.from) { sent.from = short(sent.from); sent.to = short(sent.to); }
  return sent;
});
