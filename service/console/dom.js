// Elements from data. Text is always set as text, so nothing that a catalogue holds is ever markup.

export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [property, value] of Object.entries(properties)) {
    if (property.startsWith("on")) made.addEventListener(property.slice(2), value);
    else if (property in made) made[property] = value;
    else made.setAttribute(property, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

export const byId = (id) => document.getElementById(id);

export function titleOf(attributes, itemId) {
  const text = Object.values(attributes ?? {}).find((value) => typeof value === "string" && value.length > 2);
  return text ?? itemId;
}

export function factsOf(attributes, title) {
  return Object.entries(attributes ?? {})
    .filter(([, value]) => value !== null && value !== title)
    .map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(", ") : value}`)
    .join(" · ");
}
