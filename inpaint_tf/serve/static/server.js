// Calls to the server. Every failure becomes an Error whose message may be shown.

async function call(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server cannot be reached; is it still running?");
  }
  if (answer.ok) return answer;
  let said = `The server answered ${answer.status}.`;
  try { said = (await answer.json()).error || said; } catch { /* Not JSON: the status has to do. */ }
  const failure = new Error(said[0].toUpperCase() + said.slice(1));
  failure.status = answer.status;
  throw failure;
}

const json = async (path, options) => (await call(path, options)).json();
const post = (path, value) =>
  json(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(value) });

function form(name, file) {
  const body = new FormData();
  body.append(name, file, file.name || "pasted.png");
  return { method: "POST", body };
}

export const presets = () => json("/api/v1/presets");
export const openPhoto = (file) => json("/api/v1/photos", form("image", file));
export const closePhoto = (id) =>
  fetch(`/api/v1/photos/${id}`, { method: "DELETE", keepalive: true }).catch(() => {});
export const addMask = (id, file) => json(`/api/v1/photos/${id}/masks`, form("mask", file));
export const startFill = (id, wanted) => post(`/api/v1/photos/${id}/fills`, wanted);
export const startAttention = (id, version, x, y) => post(`/api/v1/photos/${id}/versions/${version}/attention`, { x, y });
export const cancelJob = (job) => json(`/api/v1/jobs/${job}`, { method: "DELETE" });
export const job = (id) => json(`/api/v1/jobs/${id}`);
export const version = (id, number) => json(`/api/v1/photos/${id}/versions/${number}`);
export const source = (id, number, x, y, signal) =>
  json(`/api/v1/photos/${id}/versions/${number}/source?x=${x}&y=${y}`, { signal });
export const fileAddress = (id, number, format) =>
  `/api/v1/photos/${id}/versions/${number}/file` + (format ? `?format=${format}` : "");
export const versionAddress = (id, number, name) => `/api/v1/photos/${id}/versions/${number}/${name}`;

export async function bitmap(path) {
  return createImageBitmap(await (await call(path)).blob());
}
export const viewBitmap = (id, number, view) => bitmap(`/api/v1/photos/${id}/versions/${number}/views/${view}.png`);
export const pictureBitmap = (id, number) => bitmap(`/api/v1/photos/${id}/picture.png?version=${number}`);
export const maskBitmap = (id, mask) => bitmap(`/api/v1/photos/${id}/masks/${mask}.png`);

// Follows a job to its end, telling each state; gives its result, or null if it was cancelled.
export async function follow(started, tell) {
  let state = started;
  for (;;) {
    tell(state);
    if (state.state === "done") return { ...state.result, job: state.job };
    if (state.state === "cancelled") return null;
    if (state.state === "failed") throw new Error(state.error[0].toUpperCase() + state.error.slice(1));
    await new Promise((resolve) => setTimeout(resolve, state.state === "waiting" ? 500 : 200));
    state = await job(state.job);
  }
}
