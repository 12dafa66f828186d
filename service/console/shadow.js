// A trial of a candidate on real searches: how far its hits and scores differ, drawn below its row of the versions.

import { get, post, remove } from "/console/api.js";
import { byId, element } from "/console/dom.js";

const SECONDS = 2;
const SHARES = [1, 0.5, 0.1, 0.01];
const path = (info) => `/v1/collections/${info.collection}/shadow`;
const percent = (value, digits = 1) => `${(100 * value).toFixed(digits)} %`;
const signed = (value) => (Math.abs(value) < 5e-5 ? "0.0000" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(4)}`);
let timer = null;

export const readTrial = (info) => get(path(info));

export function shareChoice() {
  const options = SHARES.map((share) => element("option", { value: String(share), selected: share === 0.1 }, percent(share, 0)));
  return element("label", { className: "share" }, "Try a version on ", element("select", { id: "share" }, ...options), " of the searches; no answer is changed by it");
}

export function tryButton(info, version, changed) {
  return asked("try on real traffic", () => post(path(info), { version: version.index_version, share: Number(byId("share").value) }), changed);
}

export function trialRow(info, trial, columns, changed) {
  const shown = element("div", { id: "trial" }, ...facts(trial));
  const end = asked("end the trial", () => remove(path(info)), changed);
  return element("tr", { className: "trial" }, element("td", { colSpan: columns }, element("div", { className: "held" }, shown, end)));
}

// Calls `changed` where the trial was ended or replaced by someone else.
export function followTrial(info, trial, changed, failed) {
  clearInterval(timer);
  if (!trial || trial.status === "off") return;
  const look = async () => {
    const now = await readTrial(info);
    if (now.started_at !== trial.started_at || now.index_version !== trial.index_version) await changed(null);
    else byId("trial")?.replaceChildren(...facts(now));
  };
  timer = setInterval(() => look().catch((error) => { clearInterval(timer); failed(error); }), SECONDS * 1000);
}

function asked(name, ask, changed) {
  return element("button", {
    className: name.split(" ")[0],
    onclick: async (event) => {
      event.target.disabled = true;
      await changed(await ask().then(() => null, (error) => error));
    },
  }, name);
}

function facts(trial) {
  if (trial.status === "loading") return [element("p", {}, "The candidate is being loaded.")];
  if (trial.status === "failing") return [element("p", { role: "alert" }, trial.load_failure.detail)];
  const { compared, dropped, not_comparable: apart, failed } = trial.searches;
  const errors = Object.entries(trial.errors).map(([code, count]) => `${code} ${count}`).join(", ");
  const counts = [
    `tried on ${percent(trial.share, 0)} of the searches since ${trial.started_at.slice(11, 19)} UTC`, `${compared.toLocaleString("en")} compared`,
    dropped ? `${dropped.toLocaleString("en")} passed by` : "", apart ? `${apart.toLocaleString("en")} by vectors of another bundle` : "",
    failed ? `${failed.toLocaleString("en")} failed (${errors})` : "", trial.same_bundle ? "same bundle" : "another bundle",
  ];
  const said = element("p", {}, counts.filter(Boolean).join(" · "));
  if (!trial.overlap) return [said, element("p", {}, "Nothing to compare yet.")];
  return [said, element("div", { className: "measures" }, share("hits in common", trial.overlap), share("another first hit", trial.first_changed), scores(trial.score_difference))];
}

function share(name, { mean, low, high }) {
  const note = `${percent(low)} to ${percent(high)} with 95 % confidence`;
  return measure(name, percent(mean), note, bar([0, 1], [low, high], mean));
}

function scores(difference) {
  if (!difference) return measure("score moved", "–", "no hit in common", null);
  const { mean, p05, p95 } = difference;
  const most = Math.max(Math.abs(p05), Math.abs(p95), Math.abs(mean), 0.001) * 1.25;
  return measure("score moved", signed(mean), `nine hits in ten between ${signed(p05)} and ${signed(p95)}`, bar([-most, most], [p05, p95], mean, 0));
}

function measure(name, value, note, picture) {
  return element("figure", {}, element("figcaption", {}, name, element("b", {}, value)), picture, element("small", {}, note));
}

// A line from one end of the scale to the other, the range on it, and where the mean lies.
function bar([first, last], [low, high], mean, origin = null) {
  const at = (value) => 100 * (value - first) / (last - first);
  const rect = (name, x, width, y, height) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [key, value] of Object.entries({ class: name, x: Math.min(Math.max(x, 0), 100 - width), width, y, height })) made.setAttribute(key, value);
    return made;
  };
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true", class: "bar" })) picture.setAttribute(key, value);
  picture.append(rect("track", 0, 100, 4, 2), rect("range", at(low), Math.max(at(high) - at(low), 0.8), 2, 6));
  if (origin !== null) picture.append(rect("origin", at(origin), 0.3, 0, 10));
  picture.append(rect("mean", at(mean) - 0.4, 0.8, 0, 10));
  return picture;
}
