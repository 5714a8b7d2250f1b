// Plain data from a file, checked field by field
// =============================================================================
//
// Checks are values that compose as the types do: `record<Scenario>({ hosts: whole(1, 16), … })` does not compile while a field of the type is
// missing from it. The first thing wrong ends the check, with the path to it.
//
// Invariants
//   V1. What a check returns has its type: nothing was coerced, and no field is there that the type does not have.

/** What was wrong, and where: `scenario.tables[0].name is no text`. */
export class DataError extends Error {
  override readonly name = 'DataError';
}

/** @throws DataError that begins with `path` */
export type Check<T> = ((value: unknown, path: string) => T) & { readonly optional?: true };

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

/** A whole number. */
export function whole(min: number, max: number): Check<number> {
  return (value, path) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max)
      throw new DataError(`${path} is a whole number from ${min} to ${max}, not ${shown(value)}`);
    return value;
  };
}

/** Any finite number between. */
export function number(min: number, max: number): Check<number> {
  return (value, path) => {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < min || value > max)
      throw new DataError(`${path} is a number from ${min} to ${max}, not ${shown(value)}`);
    return value;
  };
}

export const yesOrNo: Check<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw new DataError(`${path} is true or false, not ${shown(value)}`);
  return value;
};

export function text(pattern: RegExp, what: string): Check<string> {
  return (value, path) => {
    if (typeof value !== 'string' || !pattern.test(value))
      throw new DataError(`${path} is ${what}, not ${shown(value)}`);
    return value;
  };
}

/** One of a list of words; of a long list only the nearest is named. */
export function word<W extends string>(what: string, words: readonly W[]): Check<W> {
  return (value, path) => {
    const known = words.find((one) => one === value);
    if (known !== undefined) return known;
    throw new DataError(`${path}: there is no ${what} ${shown(value)}${suggestion(words, String(value))}`);
  };
}

const listedCountMax = 8;

/** `; did you mean …?`, or all words when they are few. */
export function suggestion(words: readonly string[], wrong: string): string {
  if (words.length <= listedCountMax) return `, only ${words.join(', ')}`;
  let best: string | undefined;
  let bestDistance = Math.max(2, wrong.length / 3) + 1;
  for (const one of words) {
    const distance = editDistance(one, wrong.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [one, distance];
  }
  return best === undefined ? '' : `; did you mean ${best}?`;
}

/** Levenshtein's, of short words. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

export function list<T>(check: Check<T>, countMin: number, countMax: number): Check<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length < countMin || value.length > countMax)
      throw new DataError(`${path} is a list of ${countMin} to ${countMax}, not ${shown(value)}`);
    return value.map((one: unknown, i) => check(one, `${path}[${i}]`));
  };
}

/** May be absent. Only for the fields of a record. */
export function optional<T>(check: Check<T>): Check<T> {
  return Object.assign((value: unknown, path: string): T => check(value, path), { optional: true as const });
}

export type Fields<T> = { readonly [K in keyof T]-?: Check<Exclude<T[K], undefined>> };

/** All fields, and no others. */
export function record<T extends object>(fields: Fields<T>): Check<T> {
  return (value, path) => {
    const given = plainObject(value, path);
    const result: Record<string, unknown> = {};
    for (const name of Object.keys(given))
      if (!Object.hasOwn(fields, name)) throw new DataError(`${path}.${name} is no field that this version knows`);
    for (const [name, check] of Object.entries<Check<unknown>>(fields)) {
      if (Object.hasOwn(given, name)) result[name] = check(given[name], `${path}.${name}`);
      else if (check.optional !== true) throw new DataError(`${path}.${name} is missing`);
    }
    return result as T; // V1
  };
}

/** Some of these names, each with a value. */
export function table<K extends string, T>(
  what: string,
  names: readonly K[],
  check: Check<T>,
): Check<Readonly<Partial<Record<K, T>>>> {
  const name = word(what, names);
  return (value, path) => {
    const result: Partial<Record<K, T>> = {};
    for (const [key, one] of Object.entries(plainObject(value, path)))
      result[name(key, path)] = check(one, `${path}.${key}`);
    return result;
  };
}

function plainObject(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new DataError(`${path} is an object, not ${shown(value)}`);
  return value as Record<string, unknown>;
}

/** Plain JSON of any form, of bounded depth. */
export const plainJson: Check<unknown> = (value, path) => {
  checkDepth(value, path, 16);
  return value;
};

function checkDepth(value: unknown, path: string, left: number): void {
  if (left === 0) throw new DataError(`${path} is nested too deep`);
  if (typeof value === 'object' && value !== null)
    for (const one of Object.values(value)) checkDepth(one, path, left - 1);
}
