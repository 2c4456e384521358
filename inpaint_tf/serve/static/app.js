// The page: puts stage, history, server and the panel together.

import { History } from "./history.js";
import { Seeing } from "./seeing.js";
import * as server from "./server.js";
import { Stage } from "./stage.js";
import { draw, forServer, mayMark } from "./strokes.js";

const $ = (id) => document.getElementById(id);
const GROW = 4;
const STAGES = {
  starting: "Starting", loading: "Loading the preset", network: "The network fills",
  patches: "Copying fine detail", pictures: "Finishing", attention: "Looking at the attention",
};

let photo = null;               // {id, file, width, height, format}
let limits = null, presets = [];
let running = null;             // The job that is under way.
let tool = "brush";
const brushes = { mask: 40, sketch: 3 };  // A sketch has lines, not areas.
const versions = new Map();     // Number -> description with its `bitmap`.

const stage = new Stage($("stage"), {
  tool: () => ({ name: tool, size: brushes[layer()], layer: layer() }),
  // What a preset does not look at is not shown either.
  strokes: () => ($("layers").hidden ? { ...history.state, sketch: [] } : history.state),
  finish: (layer, stroke) => history.add(layer, stroke),
  point: (place, how) => seeing.point(place, how),
  zoomed: (scale) => { $("zoom-value").textContent = `${Math.round(100 * scale)}%`; },
});
const seeing = new Seeing({ stage, photo: () => photo, alert: complain, busy: work });
let history = { state: { version: 0, mask: [], sketch: [] } };
history = new History(changed);

function layer() {
  return $("layers").hidden ? "mask" : document.querySelector('input[name="layer"]:checked').value;
}

// A new hole comes before its sketch.
function backToMask() {
  document.querySelector('input[name="layer"][value="mask"]').checked = true;
  setBrush(brushes.mask);
}

// ---- Messages

let hiding = null;
function complain(error) {
  console.warn(error);
  $("alert").textContent = error.message ?? String(error);
  $("alert").hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { $("alert").hidden = true; }, 12000);
}
$("alert").addEventListener("click", () => { $("alert").hidden = true; });

// Notes follow as sentences.
function hint(text, notes = []) {
  const sentences = notes.map((note) => note[0].toUpperCase() + note.slice(1));
  $("hint").textContent = [text, ...sentences].join(". ").replace(/\.\./g, ".");
}

// ---- Opening

async function open(file) {
  $("alert").hidden = true;
  if (limits && file.size > limits.bytes) {
    return complain(new Error(`This file has ${(file.size / 1e6).toFixed(0)} MB; at most ${limits.bytes / 1e6} MB are accepted. Save a smaller one.`));
  }
  const note = photo ? hint : (text) => { $("welcome-note").textContent = text; };
  const before = $("welcome-note").textContent;
  note("Opening …");
  document.body.ariaBusy = "true";
  try {
    const opened = await server.openPhoto(file);
    if (photo) server.closePhoto(photo.id);
    cancel();
    const bitmap = await shown(file, opened);
    photo = { ...opened, file };
    versions.clear();
    $("welcome").hidden = true;
    $("editor").hidden = false;
    await stage.open(bitmap);
    const longer = Math.max(photo.width, photo.height);
    Object.assign(brushes, { mask: Math.max(6, Math.round(longer / 25)), sketch: Math.max(2, Math.round(longer / 250)) });
    backToMask();
    history.reset();
    compare(false);
    $("photo-name").textContent = `${file.name || "Pasted photo"}, ${photo.width} × ${photo.height}`;
    hint("Brush over what should go", photo.notes);
    $("stage").focus({ preventScroll: true });
  } catch (error) {
    complain(error);
    note(photo ? "" : before);
  } finally {
    document.body.ariaBusy = "false";
    $("file").value = "";
  }
}

// A bitmap of the photo: the browser's own reading of the file, or the server's where the browser has none.
async function shown(file, opened) {
  try {
    const bitmap = await createImageBitmap(file);
    if (bitmap.width === opened.width && bitmap.height === opened.height) return bitmap;
  } catch { /* TIFF, for one. */ }
  return server.pictureBitmap(opened.id, 0);
}

async function given(file) {
  if (!photo) return open(file);
  try {
    const bitmap = await createImageBitmap(file);
    if (bitmap.width !== photo.width || bitmap.height !== photo.height) return open(file);
  } catch { return open(file); }
  const dialog = $("drop-dialog");
  dialog.returnValue = "";
  dialog.showModal();
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "mask") addMask(file);
    if (dialog.returnValue === "photo") open(file);
  }, { once: true });
}

async function addMask(file) {
  try {
    const { id, pixels } = await server.addMask(photo.id, file);
    if (!pixels) throw new Error("This mask is all dark; what is bright in a mask is filled.");
    stage.masks.set(id, await server.maskBitmap(photo.id, id));
    history.add("mask", { op: "mask", id });
  } catch (error) { complain(error); }
}

for (const id of ["open", "choose"]) $(id).addEventListener("click", () => $("file").click());
$("file").addEventListener("change", () => { if ($("file").files[0]) open($("file").files[0]); });
$("mask-open").addEventListener("click", () => $("mask-file").click());
$("mask-file").addEventListener("change", () => {
  if ($("mask-file").files[0]) addMask($("mask-file").files[0]);
  $("mask-file").value = "";
});
$("sample").addEventListener("click", async () => {
  const blob = await (await fetch("/sample.jpg")).blob();
  open(new File([blob], "rocket.jpg", { type: blob.type }));
});
window.addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
  if (file) { event.preventDefault(); given(file); }
});
window.addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dropping"); });
window.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
window.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  if (event.dataTransfer.files[0]) given(event.dataTransfer.files[0]);
});
window.addEventListener("pagehide", (event) => { if (photo && !event.persisted) server.closePhoto(photo.id); });

// ---- The state and what shows it

function chain(number) {
  const patches = [];
  for (let at = versions.get(number); at; at = versions.get(at.base)) patches.unshift({ bitmap: at.bitmap, left: at.left, top: at.top });
  return patches;
}

function changed() {
  const { state } = history;
  const after = chain(state.version);
  stage.show({ before: stage.compare === null ? after : [], after });
  $("undo").disabled = !history.past?.length || !!running;
  $("redo").disabled = !history.future?.length || !!running;
  const marked = mayMark(state.mask);
  $("fill").disabled = !photo || !marked || !!running;
  $("clear").disabled = $("invert").disabled = !photo || !!running;
  $("clear").disabled ||= !state.mask.length && !state.sketch.length;
  $("grow").disabled = $("shrink").disabled = !marked || !!running;
  $("compare").disabled = !state.version;
  $("save").disabled = !photo || !state.version;
  if (!state.version && stage.compare !== null) compare(false);
  $("stage").dataset.version = state.version;
  if (marked) hint("");
  seeing.show(versions.get(state.version) ?? null);
  listVersions();
}

function listVersions() {
  const list = $("versions");
  if (!photo) return list.replaceChildren();
  const numbers = [0, ...versions.keys()];
  list.replaceChildren(...numbers.map((number) => {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("role", "radio");
    button.setAttribute("aria-checked", String(number === history.state.version));
    button.dataset.version = number;
    button.disabled = !!running;
    button.append(thumbnail(number), number ? `Fill ${number}` : "Photo");
    button.addEventListener("click", () => {
      if (number !== history.state.version) history.set({ version: number, mask: [], sketch: [] });
    });
    return button;
  }));
}

const thumbnails = new Map();
function thumbnail(number) {
  const key = `${photo.id}/${number}`;
  if (!thumbnails.has(key)) {
    const canvas = document.createElement("canvas");
    const scale = 72 / Math.max(photo.width, photo.height);
    canvas.width = Math.max(1, photo.width * scale);
    canvas.height = Math.max(1, photo.height * scale);
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    const { bitmap, small } = stage.base;
    context.drawImage(small ?? bitmap, 0, 0, photo.width, photo.height);
    for (const patch of chain(number)) context.drawImage(patch.bitmap, patch.left, patch.top);
    thumbnails.set(key, canvas);
  }
  return thumbnails.get(key);
}

// ---- Filling

// Starts a job and follows it under the progress bar; its result, or null if it was cancelled or failed.
async function work(start) {
  if (running) return null;
  running = { cancelled: false };
  changed();
  $("busy").hidden = false;
  $("busy-stage").textContent = "Sending";
  $("busy-time").textContent = "";
  $("busy-bar").removeAttribute("value");
  $("cancel").disabled = false;
  const began = performance.now();
  const clock = setInterval(() => {
    $("busy-time").textContent = `${Math.round((performance.now() - began) / 1000)} s`;
  }, 500);
  try {
    const started = await start();
    running.job = started.job;
    if (running.cancelled) server.cancelJob(started.job);
    return await server.follow(started, (state) => {
      $("busy").dataset.state = state.state;
      const place = state.place === 1 ? "Next in the queue" : `Number ${state.place} in the queue`;
      $("busy-stage").textContent = state.state === "waiting" ? place
        : state.state === "cancelling" ? "Cancelling" : STAGES[state.stage] ?? state.stage;
      if (state.fraction > 0 && state.state === "running") $("busy-bar").value = state.fraction;
      else $("busy-bar").removeAttribute("value");
    });
  } catch (error) {
    complain(error);
    return null;
  } finally {
    clearInterval(clock);
    running = null;
    $("busy").hidden = true;
    changed();
  }
}

// What was drawn on top of what was sent.
const since = (strokes, sent) => (sent.every((stroke, index) => stroke === strokes[index]) ? strokes.slice(sent.length) : []);

async function fill() {
  if ($("fill").disabled) return;
  compare(false);
  const filling = photo;
  const { version: base, mask, sketch } = history.state;
  const wanted = { base, strokes: forServer(mask) };
  if (!$("layers").hidden && sketch.length) wanted.sketch = forServer(sketch);
  for (const [name, id] of [["preset", "preset"], ["detail", "detail"], ["working_size", "working-size"], ["blend", "blend"]]) {
    if ($(id).value) wanted[name] = $(id).value;
  }
  const result = await work(async () => {
    try {
      return await server.startFill(filling.id, wanted);
    } catch (error) {
      if (error.status !== 404 || base || photo !== filling) throw error;
      filling.id = (await server.openPhoto(filling.file)).id;  // The server had closed it.
      return server.startFill(filling.id, wanted);
    }
  });
  if (!result || photo !== filling) return;
  try {
    const described = await server.version(filling.id, result.version);
    described.bitmap = await server.viewBitmap(filling.id, result.version, "completed");
    if (photo !== filling) return;
    versions.set(result.version, described);
    const { state } = history;
    history.set({ version: result.version, mask: since(state.mask, mask), sketch: since(state.sketch, sketch) });
    backToMask();
    const unused = sketch.length && !wanted.sketch ? ["this preset takes no sketch, so it was left out."] : [];
    const notes = [...unused, ...described.notes];
    hint(`Filled in ${described.seconds.toFixed(1)} s`, notes.length ? notes : ["Brush on, compare, or download"]);
  } catch (error) { complain(error); }
}

function cancel() {
  if (!running) return;
  running.cancelled = true;
  $("cancel").disabled = true;
  if (running.job) server.cancelJob(running.job).catch(complain);
}

$("fill").addEventListener("click", fill);
$("cancel").addEventListener("click", cancel);

// ---- Looking

function compare(on) {
  if (on && !history.state.version) return;
  stage.compare = on ? Number($("compare-range").value) / 1000 : null;
  $("compare").setAttribute("aria-pressed", String(on));
  $("compare-bar").hidden = !on;
  if (on) hint("");
  stage.show({ before: on ? [] : chain(history.state.version) });
}
$("compare").addEventListener("click", () => compare(stage.compare === null));
$("compare-range").addEventListener("input", () => {
  stage.compare = Number($("compare-range").value) / 1000;
  stage.redraw();
});
$("stage").addEventListener("split", (event) => { $("compare-range").value = Math.round(1000 * event.detail); });

function showOriginal(on) {
  stage.showOriginal = on;
  stage.redraw();
}

// ---- Tools

function choose(name) {
  tool = name;
  document.querySelectorAll("[data-tool]").forEach((button) => {
    button.setAttribute("aria-checked", String(button.dataset.tool === name));
    button.tabIndex = button.dataset.tool === name ? 0 : -1;
  });
  if (stage.compare !== null) compare(false);
  stage.redraw();
}
const tools = [...document.querySelectorAll("[data-tool]")];
tools.forEach((button, index) => {
  button.addEventListener("click", () => choose(button.dataset.tool));
  button.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = tools[(index + step + tools.length) % tools.length];
    choose(next.dataset.tool);
    next.focus();
  });
});

function largestBrush() { return Math.max(50, Math.max(photo?.width ?? 0, photo?.height ?? 0) / 3); }
function setBrush(size) {
  let brush = Math.min(largestBrush(), Math.max(1, size));
  brush = brush < 10 ? Math.round(brush * 2) / 2 : Math.round(brush);
  brushes[layer()] = brush;
  $("size").value = (100 * Math.log(brush)) / Math.log(largestBrush());
  $("size-value").value = brush;
  stage.redraw();
}
$("size").addEventListener("input", () => setBrush(largestBrush() ** ($("size").value / 100)));

const actions = {
  undo: () => history.undo(), redo: () => history.redo(),
  clear: () => history.set({ mask: [], sketch: [] }),
  invert: () => history.add("mask", { op: "invert" }),
  grow: () => history.add("mask", { op: "grow", pixels: GROW }),
  shrink: () => history.add("mask", { op: "grow", pixels: -GROW }),
  "zoom-in": () => stage.zoom(1.5), "zoom-out": () => stage.zoom(1 / 1.5), fit: () => stage.fit(),
};
for (const [id, act] of Object.entries(actions)) $(id).addEventListener("click", act);
const act = (id) => { if (!$(id).disabled) actions[id](); };

$("more").addEventListener("click", () => {
  const open = $("panel").classList.toggle("open");
  $("more").setAttribute("aria-expanded", String(open));
});
$("help-button").addEventListener("click", () => $("help").showModal());

// ---- Keys

const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const letters = { b: "brush", e: "erase", r: "box", l: "lasso", h: "hand" };

window.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]") || !photo) {
    if (event.key === "?" && !document.querySelector("dialog[open]")) $("help").showModal();
    return;
  }
  const target = event.target;
  const onStage = target === $("stage") || target === document.body;
  const typing = target.matches?.("select, input:not([type=range], [type=radio], [type=checkbox])");
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const done = () => event.preventDefault();
  if ((event.ctrlKey || event.metaKey) && key === "z") { done(); return act(event.shiftKey ? "redo" : "undo"); }
  if ((event.ctrlKey || event.metaKey) && key === "y") { done(); return act("redo"); }
  if (event.ctrlKey || event.metaKey || event.altKey || typing) return;
  if (key === "Escape") return running ? cancel() : target === $("stage") ? tools.find((one) => one.tabIndex === 0).focus() : undefined;
  if (onStage) {
    if (arrows[key]) { done(); return stage.nudge(...arrows[key], event.shiftKey); }
    if (key === " ") { done(); stage.space = true; return stage.redraw(); }
    if (key === "Enter") { done(); return fill(); }
    if (key === "Tab" && !event.shiftKey && target === $("stage")) { done(); return showOriginal(true); }
    if (key === "x") return stage.press();
  }
  if (letters[key]) return choose(letters[key]);
  switch (key) {
    case "[": return setBrush(Math.min(brushes[layer()] - 0.5, brushes[layer()] / 1.2));
    case "]": return setBrush(Math.max(brushes[layer()] + 0.5, brushes[layer()] * 1.2));
    case "0": return stage.fit();
    case "o": return showOriginal(true);
    case "c": return $("compare").disabled ? undefined : compare(stage.compare === null);
    case "+": return act("grow");
    case "-": return act("shrink");
    case "?": return $("help").showModal();
  }
});
window.addEventListener("keyup", (event) => {
  if (event.key === " ") { stage.space = false; stage.redraw(); }
  if (event.key === "Tab" || event.key.toLowerCase() === "o") showOriginal(false);
});
window.addEventListener("blur", () => { stage.space = false; showOriginal(false); });

// ---- Download

$("save").addEventListener("click", () => {
  const formats = [...new Set([photo.format, "png"])];
  $("save-note").textContent = photo.format === "jpg"
    ? "JPEG loses a little everywhere each time it is written. PNG keeps every pixel outside your strokes bit for bit. Both keep what the file says about the photo (date, camera, colours)."
    : "Every pixel outside your strokes is as it was, and so is what the file says about the photo.";
  $("save-links").replaceChildren(...formats.map((format) => {
    const link = document.createElement("a");
    link.className = "button";
    link.href = server.fileAddress(photo.id, history.state.version, format);
    link.download = "";
    link.textContent = format === "jpg" ? "JPEG" : format === "tif" ? "TIFF" : format === "webp" ? "WebP" : format.toUpperCase();
    return link;
  }));
  $("save-dialog").showModal();
});

// ---- Presets

function presetChosen() {
  const preset = presets.find((one) => one.name === $("preset").value);
  if (!preset) return;
  $("preset-summary").textContent = preset.summary;
  $("layers").hidden = !preset.guided;
  setBrush(brushes[layer()]);
  changed();
}
$("preset").addEventListener("change", presetChosen);
$("layers").addEventListener("change", () => setBrush(brushes[layer()]));

(async () => {
  choose("brush");
  changed();
  try {
    const answer = await server.presets();
    ({ presets, limits } = answer);
    $("preset").replaceChildren(...presets.map(({ name }) => new Option(name.replaceAll("_", " "), name)));
    $("preset").value = answer.default;
    presetChosen();
  } catch (error) { complain(error); }
})();
