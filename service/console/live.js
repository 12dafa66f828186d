// Charts of the last minutes, from the difference of two readings of /metrics.

import { get } from "/console/api.js";
import { byId, element } from "/console/dom.js";

const SECONDS = 2;
const KEPT = 150;
const CHARTS = [
  ["requests per second", (now, before) => rate(now, before, "tandem_requests_total"), (value) => value.toFixed(1)],
  ["p50, ms", (now, before) => milliseconds(now, before, 0.5), (value) => value.toFixed(1)],
  ["p99, ms", (now, before) => milliseconds(now, before, 0.99), (value) => value.toFixed(1)],
  ["refused or dropped per second", (now, before) => rate(now, before, "tandem_shed_total"), (value) => value.toFixed(2)],
  ["records waiting", (now) => sum(now, "tandem_pending_records"), (value) => value.toFixed(0)],
  ["records joined into one run", (now, before) => ratio(now, before, "tandem_batch_records"), (value) => value.toFixed(1)],
];
const kept = CHARTS.map(() => []);
let before = null;
let timer = null;

export function follow(isShown, failed) {
  clearInterval(timer);
  if (!isShown) return;
  byId("live").replaceChildren(element("div", { className: "charts" }, ...CHARTS.map(([title]) => chart(title))));
  before = null;
  const look = () => read().catch((error) => { clearInterval(timer); failed(error); });
  look();
  timer = setInterval(look, SECONDS * 1000);
}

async function read() {
  const now = parse(await get("/metrics"));
  if (before) {
    CHARTS.forEach(([, value, shown], place) => {
      kept[place].push(value(now, before) ?? kept[place].at(-1) ?? 0); // no request, no new quantile
      kept[place].splice(0, kept[place].length - KEPT);
      draw(byId("live").querySelectorAll("figure")[place], kept[place], shown);
    });
  }
  before = now;
}

function parse(text) {
  const samples = [];
  for (const line of text.split("\n")) {
    const found = line.match(/^(\w+)(?:\{(.*)\})? (\S+)$/);
    if (found) samples.push({ name: found[1], labels: found[2] ?? "", value: Number(found[3]) });
  }
  return samples;
}

const sum = (samples, name) => samples.filter((one) => one.name === name).reduce((total, one) => total + one.value, 0);
const rate = (now, then, name) => (sum(now, name) - sum(then, name)) / SECONDS;

function ratio(now, then, name) {
  const count = sum(now, `${name}_count`) - sum(then, `${name}_count`);
  return count ? (sum(now, `${name}_sum`) - sum(then, `${name}_sum`)) / count : null;
}

function milliseconds(now, then, share) {
  const seconds = quantile(now, then, share);
  return seconds === null ? null : 1000 * seconds;
}

// Of the routes that retrieve: probes and this page itself would drown them. Linear inside a bucket, as Prometheus does.
function quantile(now, then, share) {
  const buckets = new Map();
  for (const [samples, sign] of [[now, 1], [then, -1]]) {
    for (const { name, labels, value } of samples) {
      if (name !== "tandem_request_seconds_bucket" || !/route="(search|embed|rerank|semantic_ids)"/.test(labels)) continue;
      const edge = Number(labels.match(/le="([^"]+)"/)[1].replace("+Inf", "Infinity"));
      buckets.set(edge, (buckets.get(edge) ?? 0) + sign * value);
    }
  }
  const edges = [...buckets.keys()].sort((one, other) => one - other);
  const wanted = share * (buckets.get(Infinity) ?? 0);
  if (!wanted) return null;
  let low = 0;
  let below = 0;
  for (const edge of edges) {
    const count = buckets.get(edge);
    if (count >= wanted) return edge === Infinity ? low : low + (edge - low) * (wanted - below) / (count - below);
    [low, below] = [edge, count];
  }
  return null;
}

function chart(title) {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("viewBox", `0 0 ${KEPT} 100`);
  picture.setAttribute("preserveAspectRatio", "none");
  picture.setAttribute("role", "img");
  picture.append(document.createElementNS("http://www.w3.org/2000/svg", "polyline"));
  return element("figure", {}, element("figcaption", {}, title, element("b", {}, "")), picture);
}

function draw(figure, values, shown) {
  const top = Math.max(...values, 1e-9) * 1.1;
  const points = values.map((value, place) => `${KEPT - values.length + place},${(100 - 100 * value / top).toFixed(1)}`);
  figure.querySelector("polyline").setAttribute("points", points.join(" "));
  figure.querySelector("b").textContent = shown(values.at(-1));
  figure.querySelector("svg").setAttribute("aria-label", `${figure.querySelector("figcaption").textContent}, largest ${shown(Math.max(...values))}`);
}
