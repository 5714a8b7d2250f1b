// Copying and naming the state of live objects
// =============================================================================
//
// Production objects with open fields (open-fields-loader.ts) are graphs of plain data, collections, byte arrays and instances of classes. A copy
// shares nothing that can change with its original; the text of a graph says all there is in it, so equal texts mean equal states.
//
// Invariants
//   X1. A copy has the shape of its original: what was one object stays one.
//   X2. A function is behaviour and no state: it is copied as it is, and only where it is known to stand. Elsewhere it might capture an object of
//       the original, so it is an error.

export interface GraphOptions {
  /** Objects that never change, or hold nothing: shared by all copies and left out of texts. */
  readonly constants: readonly object[];
  /** Classes of such objects, by name. */
  readonly constantClasses: readonly string[];
  /** Names of properties that hold functions; whoever copies puts right what they capture. */
  readonly functions: readonly string[];
  /** Properties left out of texts, since nothing that matters depends on them. */
  readonly ignored: readonly string[];
}

interface OpenQueue {
  readonly _$ring: readonly unknown[];
  readonly _$head: number;
  readonly _$size: number;
}

export class ObjectGraph {
  readonly #constants: ReadonlySet<object>;
  readonly #constantClasses: ReadonlySet<string>;
  readonly #functions: ReadonlySet<string>;
  readonly #ignored: ReadonlySet<string>;

  constructor(options: Partial<GraphOptions> = {}) {
    this.#constants = new Set(options.constants);
    this.#constantClasses = new Set(options.constantClasses);
    this.#functions = new Set(options.functions);
    this.#ignored = new Set(options.ignored);
  }

  /** X1. */
  copy<T>(root: T): T {
    return this.#copy(root, new Map()) as T;
  }

  #copy(value: unknown, seen: Map<object, object>): unknown {
    if (typeof value !== 'object' || value === null || this.#isConstant(value)) return value;
    const known = seen.get(value);
    if (known !== undefined) return known;
    if (ArrayBuffer.isView(value)) return this.#keep(value, copyOfView(value), seen);
    if (Array.isArray(value)) {
      const copy: unknown[] = [];
      seen.set(value, copy);
      for (const element of value) copy.push(this.#copy(element, seen));
      return copy;
    }
    if (value instanceof Map) {
      const copy = new Map<unknown, unknown>();
      seen.set(value, copy);
      for (const [key, element] of value) copy.set(this.#copy(key, seen), this.#copy(element, seen));
      return copy;
    }
    if (value instanceof Set) {
      const copy = new Set<unknown>();
      seen.set(value, copy);
      for (const element of value) copy.add(this.#copy(element, seen));
      return copy;
    }
    const copy = Object.create(Object.getPrototypeOf(value) as object | null) as Record<string, unknown>;
    seen.set(value, copy);
    for (const key of Object.keys(value)) {
      const part = (value as Record<string, unknown>)[key];
      if (typeof part === 'function') this.#checkFunction(key); // X2
      copy[key] = this.#copy(part, seen);
    }
    return copy;
  }

  #keep(value: object, copy: object, seen: Map<object, object>): object {
    seen.set(value, copy);
    return copy;
  }

  #isConstant(value: object): boolean {
    return this.#constants.has(value) || this.#constantClasses.has(value.constructor?.name ?? '');
  }

  #checkFunction(key: string): void {
    if (!this.#functions.has(key)) throw new Error(`X2: a function stands at ${key}: say what becomes of it in a copy`);
  }

  /** Everything in the graph, in one line. */
  text(root: unknown): string {
    const parts: string[] = [];
    this.#write(root, new Map(), parts);
    return parts.join('');
  }

  #write(value: unknown, seen: Map<object, number>, parts: string[]): void {
    if (typeof value === 'string') {
      parts.push(JSON.stringify(value), ',');
      return;
    }
    if (typeof value !== 'object' || value === null) {
      parts.push(typeof value === 'function' ? 'f' : String(value), ',');
      return;
    }
    if (this.#isConstant(value)) return;
    if (ArrayBuffer.isView(value)) {
      parts.push('<', bytesText(value), '>');
      return;
    }
    const known = seen.get(value);
    if (known !== undefined) {
      parts.push('@', String(known), ',');
      return;
    }
    seen.set(value, seen.size);
    if (Array.isArray(value)) {
      parts.push('[');
      for (const element of value) this.#write(element, seen, parts);
      parts.push(']');
    } else if (value instanceof Map) {
      parts.push('{');
      for (const [key, element] of value) {
        this.#write(key, seen, parts);
        this.#write(element, seen, parts);
      }
      parts.push('}');
    } else if (value instanceof Set) {
      parts.push('(');
      for (const element of value) this.#write(element, seen, parts);
      parts.push(')');
    } else if (value.constructor?.name === 'Queue') {
      const { _$ring: ring, _$head: head, _$size: size } = value as OpenQueue;
      parts.push('|');
      for (let i = 0; i < size; i++) this.#write(ring[(head + i) & (ring.length - 1)], seen, parts);
      parts.push('|');
    } else {
      parts.push('{');
      for (const key of Object.keys(value)) {
        if (this.#ignored.has(key)) continue;
        parts.push(key, ':');
        this.#write((value as Record<string, unknown>)[key], seen, parts);
      }
      parts.push('}');
    }
  }
}

function copyOfView(view: ArrayBufferView): ArrayBufferView {
  if (view instanceof Uint8Array) return new Uint8Array(view);
  throw new Error(`X1: a ${view.constructor.name} is not known`);
}

function bytesText(view: ArrayBufferView): string {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('latin1');
}
