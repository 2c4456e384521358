// How a hole was filled: its views, where a pixel came from, what the network compared it with, and the figures.

import * as server from "./server.js";

const TITLES = {
  completed: "the result", network: "the network’s, before fine detail", coarse: "the first, coarse guess",
  flow: "directions, network", patch_flow: "directions, fine detail",
};
const $ = (id) => document.getElementById(id);

export class Seeing {
  // stage; photo(): {id}; alert(error); busy(job, title): follows a job under the page's progress bar.
  constructor({ stage, photo, alert, busy }) {
    Object.assign(this, { stage, photo, alert, busy });
    this.version = null;
    this.view = "completed";
    this.cache = new Map();
    $("trace").addEventListener("change", () => this.trace());
    $("heat").addEventListener("change", () => this.showHeat());
    $("seeing").addEventListener("toggle", () => { if (!$("seeing").open) this.leave(); });
  }

  // A version's description; null is the photo itself.
  show(version) {
    if (version === this.version) return;
    this.version = version;
    this.view = "completed";
    this.cache.clear();
    this.clearTrace();
    $("seeing-none").hidden = !!version;
    $("seeing-some").hidden = !version;
    if (!version) { $("trace").checked = false; this.trace(); return; }
    const views = $("views");
    views.querySelectorAll("label").forEach((label) => label.remove());
    for (const name of version.views) {
      const label = document.createElement("label");
      const choice = Object.assign(document.createElement("input"), { type: "radio", name: "view", value: name });
      choice.checked = name === "completed";
      choice.addEventListener("change", () => this.choose(name));
      label.append(choice, " ", TITLES[name] ?? name);
      views.append(label);
    }
    $("animation").href = server.versionAddress(this.photo().id, version.version, "animation.webp");
    $("plan").href = server.versionAddress(this.photo().id, version.version, "plan.png");
    $("plan").hidden = !version.plan;
    $("trace").disabled = !version.sources && !version.attention;
    const facts = [
      ["Time", `${version.seconds.toFixed(1)} s`], ["Filled", `${version.pixels.toLocaleString("en")} pixels`],
      ["Preset", version.preset], ...version.notes.map((note) => ["Note", note]),
    ];
    $("facts").replaceChildren(...facts.flatMap(([name, text]) => [
      Object.assign(document.createElement("dt"), { textContent: name }),
      Object.assign(document.createElement("dd"), { textContent: text }),
    ]));
    this.overlay();
  }

  async choose(name) {
    this.view = name;
    const { version } = this;
    try {
      if (!this.cache.has(name)) this.cache.set(name, await server.viewBitmap(this.photo().id, version.version, name));
      if (version === this.version) this.overlay();
    } catch (error) { this.alert(error); }
  }

  overlay() {
    const list = [];
    const { version, view } = this;
    if (version && view !== "completed" && this.cache.has(view)) {
      list.push({ bitmap: this.cache.get(view), left: version.left, top: version.top });
    }
    const heat = this.heat && this.heat[document.querySelector('input[name="heat"]:checked').value];
    if (version && heat) {
      const { left, top, width, height } = this.heat.place;
      list.push({ bitmap: heat, left, top, width, height, opacity: 0.75 });
    }
    const wheel = view.endsWith("flow");
    $("wheel").hidden = !wheel;
    const range = version?.flow_range?.[view];
    $("wheel-range").textContent = range ? ` (at the rim: ${range} pixels)` : "";
    this.stage.show({ overlay: list });
  }

  trace() {
    this.stage.tracing = $("trace").checked;
    this.clearTrace();
    this.overlay();
    if (this.stage.tracing) {
      $("hint").textContent = "";
      $("trace-text").textContent = "Point at what was filled; press for the network’s weights.";
    }
  }

  leave() {
    $("trace").checked = false;
    const first = document.querySelector('input[name="view"][value="completed"]');
    if (first) first.checked = true;
    this.view = "completed";
    this.trace();
  }

  clearTrace() {
    this.heat = null;
    $("heat").hidden = true;
    $("trace-text").textContent = "";
    this.asking?.abort();
    this.stage.show({ arrow: null });
  }

  // The pointer is over a place of the photo, or pressed there, or left (null).
  async point(place, how) {
    if (!place || !this.version) { this.asking?.abort(); this.stage.show({ arrow: null }); return; }
    const [x, y] = place.map(Math.floor);
    const { left, top, width, height } = this.version;
    const inside = x >= left && y >= top && x < left + width && y < top + height;
    if (how === "press" && inside) return this.compared(x, y);
    this.asking?.abort();
    if (!inside) { this.stage.show({ arrow: null }); $("trace-text").textContent = "Not filled."; return; }
    this.asking = new AbortController();
    try {
      const source = await server.source(this.photo().id, this.version.version, x, y, this.asking.signal);
      $("trace-text").textContent = source.text;
      const from = source.patches ?? source.attention;
      this.stage.show({ arrow: from ? { from: [from.x + 0.5, from.y + 0.5], to: [x + 0.5, y + 0.5] } : null });
    } catch (error) {
      if (error.name !== "AbortError") this.alert(error);
    }
  }

  async compared(x, y) {
    if (!this.version.attention) return;
    const { version } = this;
    const id = this.photo().id;
    const result = await this.busy(() => server.startAttention(id, version.version, x, y));
    if (!result || version !== this.version) return;
    this.heat = { place: result };
    for (const name of ["attention", "before", "after"]) {
      this.heat[name] = await server.bitmap(`/api/v1/jobs/${result.job}/${name}.png`);
    }
    $("heat").hidden = false;
    $("trace-text").textContent = result.text;
    this.stage.show({ arrow: { from: [result.x + 0.5, result.y + 0.5], to: [x + 0.5, y + 0.5] } });
    this.overlay();
  }

  showHeat() { this.overlay(); }
}
