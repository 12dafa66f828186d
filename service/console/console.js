// The page: which collection, which view, and what every view does when it is shown.

import { get, key } from "/console/api.js";
import { byId, element } from "/console/dom.js";
import { follow } from "/console/live.js";
import { showForm } from "/console/search.js";
import { showTree } from "/console/tree.js";
import { leaveVersions, showVersions } from "/console/versions.js";

const tabs = [...document.querySelectorAll("[role=tab]")];
let collections = [];

const chosen = () => collections.find((one) => one.collection === byId("collection").value);

async function load() {
  const before = byId("collection").value;
  ({ collections } = await get("/v1/collections"));
  byId("collection").replaceChildren(...collections.map((one) => element("option", {}, one.collection)));
  if (collections.some((one) => one.collection === before)) byId("collection").value = before;
  await show();
}

async function show() {
  byId("fault").hidden = true;
  const info = chosen();
  if (!info) {
    byId("served").textContent = "Nothing is served, or the key opens no collection.";
    return;
  }
  showServed(info);
  showForm(info);
  await open(tabs.find((tab) => tab.ariaSelected === "true"));
}

function showServed(info) {
  const facts = [
    ["items", info.count?.toLocaleString("en")], ["index", info.kind], ["index recall", info.index_recall?.toFixed(4)],
    ["dimension", info.dimension], ["version", info.index_version], ["bundle", info.bundle_id?.slice(0, 12)], ["since", info.loaded_at],
  ];
  byId("served").replaceChildren(...facts.filter(([, value]) => value).map(([name, value]) => element("span", {}, `${name} `, element("b", {}, String(value)))));
  if (info.load_failure) fail(new Error(`${info.load_failure.index_version} does not load: ${info.load_failure.detail}`));
}

async function open(tab) {
  for (const one of tabs) {
    one.ariaSelected = String(one === tab);
    one.tabIndex = one === tab ? 0 : -1;
    byId(one.getAttribute("aria-controls")).hidden = one !== tab;
  }
  follow(tab.id === "tab-live", fail);
  leaveVersions();
  if (tab.id === "tab-tree") await showTree(chosen());
  if (tab.id === "tab-versions") {
    await showVersions(chosen(), async (error) => {
      await load().catch(fail);
      if (error) fail(error);
    }, fail);
  }
}

function fail(error) {
  byId("fault").textContent = error.message;
  byId("fault").hidden = false;
}

for (const tab of tabs) {
  tab.addEventListener("click", () => open(tab).catch(fail));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    next.focus();
    open(next).catch(fail);
  });
}
byId("key").value = key.get();
byId("key").addEventListener("change", () => { key.set(byId("key").value); load().catch(fail); });
byId("collection").addEventListener("change", () => show().catch(fail));
load().catch(fail);
