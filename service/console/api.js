// Requests to the service, with the key of this tab; a problem becomes an Error whose message is its detail.

const KEY = "tandem-key";

export const key = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (value) => sessionStorage.setItem(KEY, value),
};

export async function get(path) {
  return read(await fetch(path, { headers: headers() }));
}

export async function post(path, body) {
  return read(await fetch(path, {
    method: "POST", headers: { ...headers(), "content-type": "application/json" }, body: JSON.stringify(body),
  }));
}

export async function remove(path) {
  return read(await fetch(path, { method: "DELETE", headers: headers() }));
}

function headers() {
  return key.get() ? { authorization: `Bearer ${key.get()}` } : {};
}

async function read(response) {
  const kind = response.headers.get("content-type") ?? "";
  const body = kind.includes("json") ? await response.json() : await response.text();
  if (!response.ok) throw new Error(body.detail ?? `${response.status} ${response.statusText}`);
  return body;
}
