// A reader's points and choices as text: lines of CSV, and the end of an address.
import { DATA, PRESETS } from './presets.js';

const MOST = 200; // points
const DEFAULTS = { ...PRESETS.Isotropic.set, time: 4, rule: 'adadelta' };

export const tellPoints = (points) => points.map((p) => p.join(', ')).join('\n');

/** Points from lines "x1, x2, label"; a first line of names is passed over. */
export function parsePoints(text) {
  const lines = text.split('\n').map((line) => line.trim());
  const points = [];
  lines.forEach((line, n) => {
    if (!line || (points.length === 0 && /^"?[a-z]/i.test(line))) return;
    const fields = line.split(/[\s,;]+/).filter(Boolean);
    const numbers = fields.map((field) => Number(field.replace('−', '-')));
    const wrong = (what) => new Error(`Line ${n + 1}: ${what}`);
    if (numbers.length !== 3 || !numbers.every(Number.isFinite)) {
      throw wrong(`“${line}” must be three numbers, x1, x2 and the label.`);
    }
    if (Math.abs(numbers[2]) !== 1) {
      throw wrong(`the label is ${fields[2]}; it must be 1 or -1.`);
    }
    points.push(numbers);
  });
  if (!points.length) throw new Error('There is no point; a line is x1, x2, label.');
  if (points.length > MOST) throw new Error(`${points.length} points; ${MOST} are the most.`);
  const far = Math.max(...points.flatMap(([x1, x2]) => [Math.abs(x1), Math.abs(x2)]));
  if (far > 3) {
    throw new Error(`A coordinate is ${far} from 0; the plane ends at 3. Divide all of them `
      + `by ${Math.ceil(far / 0.03) / 100}: no limit direction changes.`);
  }
  return points;
}

/** What is not as at the beginning, as the end of an address. */
export function tellChoice({ points, ...choice }) {
  const told = Object.entries(choice).filter(([id, value]) => value !== DEFAULTS[id])
    .map(([id, value]) => `${id}=${value}`);
  if (tellPoints(points) !== tellPoints(DATA)) {
    told.push(`points=${points.map((p) => p.join()).join(';')}`);
  }
  return told.length ? told.join('&') : 'skew=0';
}

/**
 * The choice in the end of an address.
 *
 * `range(id)`: {min, max} of a slider; `rules`: the names that there are. An Error says
 * what cannot be read.
 */
export function readChoice(text, range, rules) {
  const choice = {};
  for (const [id, value] of new URLSearchParams(text)) {
    if (id === 'points') choice.points = parsePoints(value.replaceAll(';', '\n'));
    else if (id === 'rule') {
      if (!rules.includes(value)) throw new Error(`rule is ${value}; one of ${rules.join(', ')} is needed.`);
      choice.rule = value;
    } else if (id in DEFAULTS) {
      const { min, max } = range(id);
      if (value === '' || !(Number(value) >= min && Number(value) <= max)) {
        throw new Error(`${id} is ${value}; it lies in [${min}, ${max}].`);
      }
      choice[id] = Number(value);
    } else throw new Error(`there is nothing called ${id}.`);
  }
  return choice;
}
