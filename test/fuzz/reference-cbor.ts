// A second decoder of CBOR, for what values and control messages may hold
// =============================================================================
//
// Written from RFC 8949 with nothing in common with cbor-x: slow, plain, and strict in the same places as cbor-scan.ts. What it cannot
// decode it refuses with an Error.

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export interface ReferenceLimits {
  readonly depthMax: number;
  /** Tags 1, 2 and 3, texts as keys, no simple values but false, true and null. */
  readonly isValue: boolean;
}

export function decodeReference(bytes: Uint8Array, limits: ReferenceLimits): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;

  function take(count: number): number {
    if (count > bytes.length - at) throw new Error('too short');
    at += count;
    return at - count;
  }

  function argument(minor: number): bigint {
    if (minor < 24) return BigInt(minor);
    if (minor === 24) return BigInt(view.getUint8(take(1)));
    if (minor === 25) return BigInt(view.getUint16(take(2)));
    if (minor === 26) return BigInt(view.getUint32(take(4)));
    if (minor === 27) return view.getBigUint64(take(8));
    throw new Error('indefinite');
  }

  /** What is written in 64 bits was a BigInt: numbers beyond 32 bits are written as doubles. */
  function integer(value: bigint, minor: number): number | bigint {
    return minor === 27 ? value : Number(value);
  }

  function float(minor: number): number {
    if (minor === 26) return view.getFloat32(take(4));
    if (minor === 27) return view.getFloat64(take(8));
    const half = view.getUint16(take(2));
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    const sign = half & 0x8000 ? -1 : 1;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return sign * (1024 + fraction) * 2 ** (exponent - 25);
  }

  function item(depth: number): unknown {
    if (depth > limits.depthMax) throw new Error('too deep');
    const head = view.getUint8(take(1));
    const major = head >> 5;
    const minor = head & 0x1f;
    if (major === 7) {
      if (minor === 20) return false;
      if (minor === 21) return true;
      if (minor === 22) return null;
      if (minor === 23) {
        if (limits.isValue) throw new Error('undefined');
        return undefined;
      }
      if (minor >= 25 && minor <= 27) return float(minor);
      throw new Error('a simple value');
    }
    const count = argument(minor);
    switch (major) {
      case 0:
        return integer(count, minor);
      case 1:
        return integer(-1n - count, minor);
      case 2: {
        const start = take(Number(count));
        return bytes.slice(start, start + Number(count));
      }
      case 3: {
        const start = take(Number(count));
        return utf8.decode(bytes.subarray(start, start + Number(count)));
      }
      case 4: {
        if (count > BigInt(bytes.length - at)) throw new Error('more elements than bytes');
        return Array.from({ length: Number(count) }, () => item(depth + 1));
      }
      case 5: {
        if (count * 2n > BigInt(bytes.length - at)) throw new Error('more entries than bytes');
        const fields: Record<string, unknown> = {};
        for (let i = 0; i < Number(count); i++) {
          const key = item(depth + 1);
          if (typeof key !== 'string') throw new Error('a key that is no text');
          const value = item(depth + 1);
          Object.defineProperty(fields, key, { value, writable: true, enumerable: true, configurable: true });
        }
        return fields;
      }
      default:
        return tagged(count, depth);
    }
  }

  function tagged(tag: bigint, depth: number): unknown {
    if (!limits.isValue) throw new Error('a tag');
    const content = item(depth);
    if (tag === 1n) {
      if (typeof content !== 'number') throw new Error('a date that is no number');
      const date = new Date(Math.round(content * 1000));
      if (Number.isNaN(date.getTime())) throw new Error('a date out of range');
      return date;
    }
    if ((tag !== 2n && tag !== 3n) || !(content instanceof Uint8Array)) throw new Error('another tag');
    let number = 0n;
    for (const byte of content) number = (number << 8n) | BigInt(byte);
    return tag === 2n ? number : -1n - number;
  }

  const value = item(0);
  if (at !== bytes.length) throw new Error('bytes left over');
  return value;
}
