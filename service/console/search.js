// Search by a record's features or by an item, and look at what came back.

import { post } from "/console/api.js";
import { byId, element, factsOf, titleOf } from "/console/dom.js";

let info = null;

export function showForm(collection) {
  info = collection;
  byId("hits").replaceChildren();
  byId("summary").textContent = "";
  const features = collection.query_features.map((feature) => field(feature.name, feature.name, hint(feature.kind)));
  const relations = Object.keys(collection.relations);
  const parts = [
    ...features,
    field("item", "or neighbours of item", "an item id"),
    field("k", "Hits", "", "number", 10),
    relations.length > 1
      ? element("label", {}, "Relation", element("select", { name: "relation" }, ...relations.map((one) => element("option", {}, one))))
      : null,
    element("label", { className: "wide" }, "Filter, as JSON", element("input", { name: "filter", placeholder: '{"must": [...]}', spellcheck: false })),
    element("button", { className: "primary" }, "Search"),
  ];
  byId("ask").replaceChildren(...parts.filter((part) => part !== null));
  byId("ask").onsubmit = (event) => {
    event.preventDefault();
    search(bodyOf(new FormData(event.target))).catch(fail);
  };
}

export function neighbours(itemId, relation) {
  return search({ item_ids: [itemId], k: 10, ...(relation ? { relation } : {}) }).catch(fail);
}

function field(name, label, placeholder, type = "text", value = "") {
  return element("label", {}, label, element("input", { name, placeholder, type, value, autocomplete: "off" }));
}

function hint(kind) {
  return { sequence: "item ids, with commas", categories: "values, with commas", vector: "numbers, with commas" }[kind] ?? kind;
}

function bodyOf(form) {
  const body = { k: Number(form.get("k")) };
  if (form.get("filter").trim()) body.filter = JSON.parse(form.get("filter"));
  if (form.get("item").trim()) {
    body.item_ids = [form.get("item").trim()];
    if (form.get("relation")) body.relation = form.get("relation");
  } else {
    body.queries = [recordOf(form)];
  }
  return body;
}

function recordOf(form) {
  const record = {};
  for (const { name, kind } of info.query_features) {
    const text = form.get(name).trim();
    if (!text) continue;
    const parts = text.split(",").map((part) => part.trim()).filter(Boolean);
    record[name] = { sequence: parts, categories: parts, vector: parts.map(Number), number: Number(text) }[kind] ?? text;
  }
  return record;
}

async function search(body) {
  const extras = info.semantic_id_codebooks ? ["attributes", "semantic_id"] : ["attributes"];
  const started = performance.now();
  const answer = await post(`/v1/collections/${info.collection}/search`, { ...body, with: extras });
  const [{ hits, exhaustive }] = answer.results;
  const asked = body.item_ids ? `neighbours of ${body.item_ids[0]}` : "hits";
  byId("fault").hidden = true;
  byId("summary").textContent =
    `${hits.length} ${asked} in ${(performance.now() - started).toFixed(0)} ms${exhaustive ? ", which is all there are" : ""}`;
  const best = Math.max(...hits.map((hit) => hit.score), 0.001);
  byId("hits").replaceChildren(...hits.map((hit) => row(hit, best)));
}

function row(hit, best) {
  const title = titleOf(hit.attributes, hit.item_id);
  const facts = [hit.item_id, hit.semantic_id ? `semantic ID ${hit.semantic_id}` : "", factsOf(hit.attributes, title)];
  return element("li", {},
    element("span", { className: "title" }, title),
    element("span", { className: "score" }, element("progress", { value: Math.max(0, hit.score / best), ariaHidden: "true" }), ` ${hit.score.toFixed(3)}`),
    element("span", { className: "facts" }, facts.filter(Boolean).join(" · ")),
    element("span", { className: "actions" }, ...Object.keys(info.relations).map((relation) =>
      element("button", { type: "button", onclick: () => neighbours(hit.item_id, Object.keys(info.relations).length > 1 ? relation : null) }, relation))),
  );
}

function fail(error) {
  byId("fault").textContent = error.message;
  byId("fault").hidden = false;
}
