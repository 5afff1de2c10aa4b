// What the figures share: elements of an SVG, and numbers as text.

const SVG = 'http://www.w3.org/2000/svg';

export function make(name, attributes = {}, parent = null) {
  const element = document.createElementNS(SVG, name);
  set(element, attributes);
  parent?.append(element);
  return element;
}

export function set(element, attributes) {
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
}

/** Set a text, if it is another one: what does not change costs no layout. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export const minus = (text) => text.replace('-', '−');
export const fixed = (x, digits) => minus(
  (Math.abs(x) < 0.5 * 10 ** -digits ? 0 : x).toFixed(digits),
);
export const short = (x) => minus(Number(x.toPrecision(3)).toString());
export const degrees = (x) => `${fixed(x, 2)}°`;
export const amount = (logt) => (logt < 99.5 ? fixed(logt, 1) : String(Math.round(logt)));
