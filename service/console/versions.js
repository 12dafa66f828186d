// Index versions: what each measured, which is served and which is tried; an admin key may change that.

import { get, post } from "/console/api.js";
import { byId, element } from "/console/dom.js";
import { followTrial, readTrial, shareChoice, trialRow, tryButton } from "/console/shadow.js";

const NUMBERS = new Set(["items", "index recall"]);

export const leaveVersions = () => followTrial(null, null);

export async function showVersions(info, changed, failed) {
  const { versions } = await get(`/v1/collections/${info.collection}/versions`);
  const trial = await readTrial(info).catch((error) => { failed(error); return { status: "off" }; });
  const head = ["version", "built", "items", "kind", "index recall", "bundle", ""];
  byId("versions").replaceChildren(shareChoice(), element("div", { className: "scroll" }, element("table", {},
    element("thead", {}, element("tr", {}, ...head.map((name) => element("th", { scope: "col" }, name)))),
    element("tbody", {}, ...versions.flatMap((version) => rows(info, version, head, trial, changed))),
  )));
  followTrial(info, trial, changed, failed);
}

function rows(info, version, head, trial, changed) {
  const isTried = trial.candidate_version === version.index_version;
  const own = row(info, version, head, isTried, changed);
  return isTried ? [own, trialRow(info, trial, head.length, changed)] : [own];
}

function row(info, version, head, isTried, changed) {
  if (version.fault) return element("tr", {}, cell("version", version.index_version), element("td", { colSpan: head.length - 1 }, version.fault));
  const target = version.target_recall ? ` of ${version.target_recall}` : "";
  const values = [
    version.index_version, version.created_at.slice(0, 16).replace("T", " "), version.count.toLocaleString("en"), version.kind,
    version.index_recall.toFixed(4) + target, version.bundle_id.slice(0, 12),
  ];
  return element("tr", {}, ...values.map((value, place) => cell(head[place], value)), element("td", {}, ...actions(info, version, isTried, changed)));
}

function cell(name, value) {
  return element("td", { className: NUMBERS.has(name) ? "number" : "" }, value);
}

function actions(info, version, isTried, changed) {
  if (version.is_served) return [element("b", {}, "served")];
  if (version.is_active) return [element("span", {}, "active, not loaded yet")];
  const activate = element("button", {
    className: "activate",
    onclick: async (event) => {
      if (!confirm(`Serve ${version.index_version} from now on?`)) return;
      event.target.disabled = true;
      event.target.textContent = "loading";
      const asked = post(`/v1/collections/${info.collection}/activate`, { version: version.index_version });
      await changed(await asked.then(() => null, (error) => error));
    },
  }, "activate");
  return isTried ? [activate] : [tryButton(info, version, changed), activate];
}
