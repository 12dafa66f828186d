// Index versions: what each measured, and which is served; an admin key may change that.

import { get, post } from "/console/api.js";
import { byId, element } from "/console/dom.js";

const NUMBERS = new Set(["items", "index recall"]);

export async function showVersions(info, changed) {
  const { versions } = await get(`/v1/collections/${info.collection}/versions`);
  const head = ["version", "built", "items", "kind", "index recall", "bundle", ""];
  byId("versions").replaceChildren(element("div", { className: "scroll" }, element("table", {},
    element("thead", {}, element("tr", {}, ...head.map((name) => element("th", { scope: "col" }, name)))),
    element("tbody", {}, ...versions.map((version) => row(info, version, head, changed))),
  )));
}

function row(info, version, head, changed) {
  if (version.fault) return element("tr", {}, cell("version", version.index_version), element("td", { colSpan: head.length - 1 }, version.fault));
  const target = version.target_recall ? ` of ${version.target_recall}` : "";
  const values = [
    version.index_version, version.created_at.slice(0, 16).replace("T", " "), version.count.toLocaleString("en"), version.kind,
    version.index_recall.toFixed(4) + target, version.bundle_id.slice(0, 12),
  ];
  return element("tr", {}, ...values.map((value, place) => cell(head[place], value)), element("td", {}, action(info, version, changed)));
}

function cell(name, value) {
  return element("td", { className: NUMBERS.has(name) ? "number" : "" }, value);
}

function action(info, version, changed) {
  if (version.is_served) return element("b", {}, "served");
  if (version.is_active) return element("span", {}, "active, not loaded yet");
  return element("button", {
    onclick: async (event) => {
      if (!confirm(`Serve ${version.index_version} from now on?`)) return;
      event.target.disabled = true;
      event.target.textContent = "loading";
      const asked = post(`/v1/collections/${info.collection}/activate`, { version: version.index_version });
      await changed(await asked.then(() => null, (error) => error));
    },
  }, "activate");
}
