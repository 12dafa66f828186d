// The tree of semantic IDs, one level at a time as it is opened.

import { post } from "/console/api.js";
import { byId, element, titleOf } from "/console/dom.js";

const SHOWN = 24;

export async function showTree(info) {
  const view = byId("tree");
  if (!info.semantic_id_codebooks) {
    view.replaceChildren(element("p", {}, "This collection has no semantic IDs; train its bundle with a [quantizer] section."));
    return;
  }
  view.replaceChildren(...(await below(info, [])));
}

async function below(info, prefix) {
  const isLast = prefix.length === info.semantic_id_codebooks.length - 1;
  const answer = await post(`/v1/collections/${info.collection}/semantic-ids`, { prefix, k: isLast ? SHOWN : 0, with: ["attributes"] });
  if (isLast) {
    return answer.items.map((item) => element("div", {}, titleOf(item.attributes, item.item_id), element("span", { className: "words" }, ` ${item.semantic_id}`)));
  }
  const children = answer.children.filter((child) => child.count > 0).sort((one, other) => other.count - one.count);
  const branches = children.map((child) => branch(info, [...prefix, child.code], child));
  const rest = branches.splice(SHOWN);
  if (rest.length) branches.push(element("details", {}, element("summary", {}, `${rest.length} smaller prefixes`), ...rest));
  return branches;
}

function branch(info, prefix, child) {
  const words = child.name ? child.name.words.slice(0, 6).join(", ") : "";
  const made = element("details", {}, element("summary", {}, `${prefix.join("-")} (${child.count}) `, element("span", { className: "words" }, words)));
  made.addEventListener("toggle", async () => {
    if (made.open && made.children.length === 1) made.append(...(await below(info, prefix)));
  });
  return made;
}
