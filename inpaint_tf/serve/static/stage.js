// The canvas: the photo under a zoom, the strokes over it, and the pointers that draw them.
// Photos are drawn from bitmaps at their full size; no canvas is larger than the window.

import { draw } from "./strokes.js";

const LARGEST_ZOOM = 32;
const PROXY = 2048;
const MASK_COLOUR = "#ff3b6b";
const SKETCH_COLOUR = "#1e9bff";

export class Stage {
  // canvas; tool(): {name, size, layer}; strokes(): {mask, sketch}; finish(stroke): a stroke was drawn;
  // point(place, how): the pointer is there ("over", "press" or null: left); zoomed(scale).
  constructor(canvas, { tool, strokes, finish, point, zoomed }) {
    Object.assign(this, { canvas, tool, strokes, finish, point, zoomed });
    this.context = canvas.getContext("2d");
    this.masks = new Map();
    this.pointers = new Map();
    this.layers = { before: [], after: [], overlay: [], arrow: null };
    this.size = null;
    this.drawing = null;
    this.cursor = null;
    this.showOriginal = false;
    this.compare = null;
    this.tracing = false;
    this.space = false;
    new ResizeObserver(() => this.resize()).observe(canvas);
    for (const [name, act] of Object.entries({
      pointerdown: this.down, pointermove: this.move, pointerup: this.up, pointercancel: this.cancelled,
      lostpointercapture: this.cancelled, pointerleave: this.left, wheel: this.wheel,
    })) canvas.addEventListener(name, act.bind(this), { passive: false });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    matchMedia("(resolution: 1dppx)").addEventListener("change", () => this.resize());
  }

  // base: a bitmap of the photo.
  async open(base) {
    this.size = { width: base.width, height: base.height };
    const scale = PROXY / Math.max(base.width, base.height);
    let small = null;
    if (scale < 1) {
      small = await createImageBitmap(base, {
        resizeWidth: Math.max(1, Math.round(base.width * scale)),
        resizeHeight: Math.max(1, Math.round(base.height * scale)), resizeQuality: "high",
      });
    }
    this.base = { bitmap: base, small };
    this.masks.clear();
    this.layers = { before: [], after: [], overlay: [], arrow: null };
    this.drawing = this.cursor = null;
    this.resize();
    this.fit();
  }

  // before, after, overlay: lists of {bitmap, left, top[, width, height, opacity]} over the photo.
  show(layers) {
    Object.assign(this.layers, layers);
    this.redraw();
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas;
    const ratio = window.devicePixelRatio || 1;
    const fitted = this.fitted;
    this.canvas.width = Math.max(1, Math.round(clientWidth * ratio));
    this.canvas.height = Math.max(1, Math.round(clientHeight * ratio));
    this.mask = new OffscreenCanvas(this.canvas.width, this.canvas.height);
    if (fitted) this.fit();
    this.redraw();
  }

  // A place of the window -> pixels of the photo.
  toPhoto(x, y) {
    const box = this.canvas.getBoundingClientRect();
    return [(x - box.left - this.x) / this.scale, (y - box.top - this.y) / this.scale];
  }

  fit() {
    if (!this.size) return;
    const { clientWidth, clientHeight } = this.canvas;
    const margin = Math.min(24, clientWidth / 20);
    this.scale = Math.min((clientWidth - 2 * margin) / this.size.width, (clientHeight - 2 * margin) / this.size.height, 8);
    this.scale = Math.max(this.scale, 1e-3);
    this.x = (clientWidth - this.scale * this.size.width) / 2;
    this.y = (clientHeight - this.scale * this.size.height) / 2;
    this.fitted = true;
    this.zoomed(this.scale);
    this.redraw();
  }

  zoom(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    if (!this.size) return;
    const least = Math.min(0.5, 60 / Math.max(this.size.width, this.size.height));
    const scale = Math.min(LARGEST_ZOOM, Math.max(least, this.scale * factor));
    this.x = x - ((x - this.x) * scale) / this.scale;
    this.y = y - ((y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.pan(0, 0);
    this.zoomed(scale);
  }

  // Moves the photo, but never wholly out of the window.
  pan(dx, dy) {
    if (!this.size) return;
    const keep = 40;
    const limit = (at, side, window) => Math.min(window - keep, Math.max(keep - side * this.scale, at));
    this.x = limit(this.x + dx, this.size.width, this.canvas.clientWidth);
    this.y = limit(this.y + dy, this.size.height, this.canvas.clientHeight);
    this.fitted = false;
    this.redraw();
  }

  redraw() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = null;
      if (this.base) this.paint();
    });
  }

  paint() {
    const { context, canvas, size } = this;
    const ratio = canvas.width / Math.max(1, canvas.clientWidth);
    const zoom = this.scale * ratio;
    const place = [zoom, 0, 0, zoom, this.x * ratio, this.y * ratio];
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.setTransform(...place);
    context.imageSmoothingEnabled = zoom < 2;
    context.imageSmoothingQuality = "high";
    const { bitmap, small } = this.base;
    const picture = small && zoom <= small.width / size.width ? small : bitmap;
    context.clearRect(0, 0, size.width, size.height);
    context.drawImage(picture, 0, 0, size.width, size.height);
    if (this.showOriginal) return this.mark();
    const split = this.compare === null ? null : this.compare * size.width;
    this.paste(this.layers.before, split === null ? null : [0, split]);
    this.paste(this.layers.after, split === null ? null : [split, size.width]);
    if (split !== null) {
      context.fillStyle = "#fff";
      context.fillRect(split - 1 / this.scale, 0, 2 / this.scale, size.height);
      context.beginPath();
      const [unit, y] = [1 / this.scale, size.height / 2];
      context.arc(split, y, 15 * unit, 0, 2 * Math.PI);
      context.fill();
      context.fillStyle = "#1b211f";
      for (const side of [-1, 1]) {
        context.beginPath();
        context.moveTo(split + side * 10 * unit, y);
        context.lineTo(split + side * 4 * unit, y - 5 * unit);
        context.lineTo(split + side * 4 * unit, y + 5 * unit);
        context.fill();
      }
      return this.mark();
    }
    this.paste(this.layers.overlay, null, true);
    const { mask, sketch } = this.strokes();
    this.tint(place, mask, "mask", MASK_COLOUR, 0.55);
    this.tint(place, sketch, "sketch", SKETCH_COLOUR, 0.9);
    context.setTransform(...place);
    if (this.layers.arrow) this.arrow(this.layers.arrow);
    this.brushOutline();
    this.mark();
  }

  paste(patches, columns, over = false) {
    const { context } = this;
    context.save();
    if (columns) {
      context.beginPath();
      context.rect(columns[0], 0, columns[1] - columns[0], this.size.height);
      context.clip();
    }
    // A fill has the photo's transparency.
    context.globalCompositeOperation = over ? "source-over" : "source-atop";
    for (const { bitmap, left, top, width, height, opacity } of patches) {
      context.globalAlpha = opacity ?? 1;
      context.drawImage(bitmap, left, top, width ?? bitmap.width, height ?? bitmap.height);
    }
    context.restore();
  }

  tint(place, strokes, layer, colour, opacity) {
    const drawn = this.drawing && this.drawing.layer === layer ? [...strokes, this.drawing.stroke] : strokes;
    if (!drawn.length) return;
    const own = this.mask.getContext("2d");
    own.setTransform(1, 0, 0, 1, 0, 0);
    own.clearRect(0, 0, this.mask.width, this.mask.height);
    own.setTransform(...place);
    draw(own, drawn, this.size, this.masks);
    own.setTransform(1, 0, 0, 1, 0, 0);
    own.globalCompositeOperation = "source-in";
    own.fillStyle = colour;
    own.fillRect(0, 0, this.mask.width, this.mask.height);
    own.globalCompositeOperation = "source-over";
    this.context.setTransform(1, 0, 0, 1, 0, 0);
    this.context.globalAlpha = opacity;
    this.context.drawImage(this.mask, 0, 0);
    this.context.globalAlpha = 1;
  }

  brushOutline() {
    const { name, size } = this.tool();
    if (!this.cursor || this.tracing || !(name === "brush" || name === "erase")) return;
    const { context } = this;
    for (const [colour, width] of [["#000a", 3], ["#fff", 1.4]]) {
      context.strokeStyle = colour;
      context.lineWidth = width / this.scale;
      context.beginPath();
      context.arc(this.cursor[0], this.cursor[1], Math.max(size / 2, 1.5 / this.scale), 0, 2 * Math.PI);
      context.stroke();
    }
  }

  // From where a pixel came to where it is.
  arrow({ from, to }) {
    const { context, scale } = this;
    const angle = Math.atan2(to[1] - from[1], to[0] - from[0]);
    const head = 10 / scale;
    for (const [colour, width] of [["#000b", 5], ["#ffe14d", 2.4]]) {
      context.strokeStyle = context.fillStyle = colour;
      context.lineWidth = width / scale;
      context.beginPath();
      context.arc(from[0], from[1], 9 / scale, 0, 2 * Math.PI);
      context.moveTo(from[0], from[1]);
      context.lineTo(to[0], to[1]);
      context.moveTo(to[0] - head * Math.cos(angle - 0.5), to[1] - head * Math.sin(angle - 0.5));
      context.lineTo(to[0], to[1]);
      context.lineTo(to[0] - head * Math.cos(angle + 0.5), to[1] - head * Math.sin(angle + 0.5));
      context.stroke();
    }
  }

  // What tests, and people who wonder, can read off the canvas.
  mark() {
    Object.assign(this.canvas.dataset, { scale: this.scale, x: this.x, y: this.y });
    const { name } = this.tool();
    this.canvas.classList.toggle("moves", this.space || name === "hand");
    this.canvas.classList.toggle("brushes", !this.space && !this.tracing && this.compare === null &&
      (name === "brush" || name === "erase"));
  }

  down(event) {
    if (!this.size) return;
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    try { this.canvas.setPointerCapture(event.pointerId); } catch { /* A pointer that is gone already. */ }
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    if (this.pointers.size > 1) {
      this.drawing = this.dragging = null;  // The first finger was the first of two.
      this.redraw();
      return;
    }
    const place = this.toPhoto(event.clientX, event.clientY);
    const { name, size, layer } = this.tool();
    if (this.compare !== null && event.button === 0 && !this.space) {
      this.dragging = "compare";
      this.split(place[0]);
    } else if (event.button === 1 || this.space || name === "hand") {
      this.dragging = "photo";
    } else if (event.button === 0 && this.tracing) {
      this.point(place, "press");
    } else if (event.button === 0) {
      this.begin(name, size, layer, place);
    }
  }

  begin(name, size, layer, place) {
    const stroke = name === "box" ? { op: "box", from: place, to: place }
      : name === "lasso" ? { op: "lasso", points: [place] }
      : { op: name, size, points: [place] };
    this.drawing = { layer, stroke };
    this.cursor = place;
    this.redraw();
  }

  move(event) {
    if (!this.size) return;
    const before = this.pointers.get(event.pointerId);
    if (before) this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    if (before && this.pointers.size === 2) return this.pinch(event.pointerId, before);
    if (before && this.dragging === "photo") return this.pan(event.clientX - before[0], event.clientY - before[1]);
    const place = this.toPhoto(event.clientX, event.clientY);
    if (before && this.dragging === "compare") return this.split(place[0]);
    this.cursor = place;
    if (!before) {
      if (this.tracing) this.point(place, "over");
      return this.redraw();
    }
    const events = event.getCoalescedEvents?.() ?? [];
    for (const part of events.length ? events : [event]) this.extend(this.toPhoto(part.clientX, part.clientY));
  }

  // The stroke goes on to a place.
  extend(place) {
    if (!this.drawing) return;
    const { stroke } = this.drawing;
    if (stroke.op === "box") stroke.to = place;
    else {
      const [x, y] = stroke.points.at(-1);
      if (Math.hypot(place[0] - x, place[1] - y) * this.scale < 0.5) return;
      stroke.points.push(place);
    }
    this.redraw();
  }

  up(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    if (this.pointers.size) return;
    this.dragging = null;
    this.end();
  }

  end() {
    const done = this.drawing;
    this.drawing = null;
    if (!done) return;
    const { op, points, from, to } = done.stroke;
    const nothing = (op === "lasso" && points.length < 3) || (op === "box" && (from[0] === to[0] || from[1] === to[1]));
    if (!nothing) this.finish(done.layer, done.stroke);
    this.redraw();
  }

  cancelled(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    this.drawing = this.dragging = null;
    this.redraw();
  }

  left() {
    if (this.pointers.size || this.drawing) return;
    this.cursor = null;
    if (this.tracing) this.point(null);
    this.redraw();
  }

  split(x) {
    this.compare = Math.min(1, Math.max(0, x / this.size.width));
    this.canvas.dispatchEvent(new CustomEvent("split", { detail: this.compare }));
    this.redraw();
  }

  pinch(moved, before) {
    const other = [...this.pointers].find(([id]) => id !== moved)[1];
    const now = this.pointers.get(moved);
    const box = this.canvas.getBoundingClientRect();
    const apart = (p) => Math.max(1, Math.hypot(p[0] - other[0], p[1] - other[1]));
    this.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
    this.zoom(apart(now) / apart(before), (now[0] + other[0]) / 2 - box.left, (now[1] + other[1]) / 2 - box.top);
  }

  wheel(event) {
    if (!this.size) return;
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
    const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
    if (event.shiftKey) return this.pan(-(dx || dy), 0);
    if (dx && !event.ctrlKey) return this.pan(-dx, -dy);  // A touch pad.
    const box = this.canvas.getBoundingClientRect();
    this.zoom(Math.exp(-dy * (event.ctrlKey ? 0.01 : 0.002)), event.clientX - box.left, event.clientY - box.top);
  }

  // Arrow keys: the brush moves by screen pixels, or by single pixels of the photo.
  nudge(dx, dy, fine) {
    if (!this.size) return;
    const step = fine ? 1 : 12 / this.scale;
    const middle = this.toPhoto(...((box) => [box.left + box.width / 2, box.top + box.height / 2])(this.canvas.getBoundingClientRect()));
    const [x, y] = this.cursor ?? middle.map(Math.floor).map((side) => side + 0.5);
    this.cursor = [
      Math.min(this.size.width - 0.5, Math.max(0.5, x + dx * step)),
      Math.min(this.size.height - 0.5, Math.max(0.5, y + dy * step)),
    ];
    this.extend(this.cursor);
    if (this.tracing) this.point(this.cursor, "over");
    this.redraw();
  }

  // X: puts the brush down where it is, or lifts it.
  press() {
    if (!this.size) return;
    if (!this.cursor) this.nudge(0, 0);
    if (this.tracing) return this.point(this.cursor, "press");
    if (this.drawing) return this.end();
    const { name, size, layer } = this.tool();
    if (name !== "hand") this.begin(name, size, layer, this.cursor);
  }
}
