// As much of protobuf's wire format as etcd's KV messages need
// =============================================================================
//
//   message = field*        field = tag value        tag = varint (number << 3 | type)
//   type 0: varint          type 2: varint length, then so many bytes
//
// Written for one purpose: whole numbers below 2^31 go out; of what comes in, 64-bit numbers are kept as decimal text, because all that is asked of
// them is whether two are the same.

export function uintField(number: number, value: number): Buffer {
  return Buffer.from([...varint(number << 3), ...varint(value)]);
}

export function bytesField(number: number, value: string): Buffer {
  const length = Buffer.byteLength(value);
  const head = [...varint((number << 3) | 2), ...varint(length)];
  const out = Buffer.allocUnsafe(head.length + length);
  out.set(head);
  out.write(value, head.length);
  return out;
}

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) out.push((rest & 0x7f) | 0x80);
  out.push(rest);
  return out;
}

export interface Field {
  readonly number: number;
  /** Of type 2, a view; else undefined. */
  readonly bytes: Buffer | undefined;
  /** Of type 0, in decimal; else empty. */
  readonly text: string;
}

/** The fields in the order in which they stand there. @throws RangeError when it is not well formed */
export function* fieldsOf(message: Buffer): Generator<Field, void, undefined> {
  const reader = new VarintReader(message);
  while (reader.offset < message.length) {
    const tag = reader.small();
    const number = tag >>> 3;
    const type = tag & 7;
    if (type === 0) {
      yield { number, bytes: undefined, text: reader.large() };
    } else if (type === 2) {
      const end = reader.small() + reader.offset;
      if (end > message.length) throw new RangeError('a field goes beyond its message');
      yield { number, bytes: message.subarray(reader.offset, end), text: '' };
      reader.offset = end;
    } else {
      const width = type === 1 ? 8 : type === 5 ? 4 : 0;
      if (width === 0 || reader.offset + width > message.length)
        throw new RangeError(`a field of type ${type} that is not known here`);
      reader.offset += width;
    }
  }
}

class VarintReader {
  readonly #message: Buffer;
  offset = 0;

  constructor(message: Buffer) {
    this.#message = message;
  }

  small(): number {
    const value = Number(this.large());
    if (value > 0x7fff_ffff) throw new RangeError('a length or tag that is too large');
    return value;
  }

  large(): string {
    let value = 0;
    let scale = 1;
    let big: bigint | undefined;
    for (let at = 0; at < 10; at++) {
      const byte = this.#message[this.offset++];
      if (byte === undefined) throw new RangeError('a number goes beyond its message');
      if (at < 6) {
        value += (byte & 0x7f) * scale;
        scale *= 128;
      } else {
        big = (big ?? BigInt(value)) | (BigInt(byte & 0x7f) << BigInt(7 * at));
      }
      if (byte < 0x80) return String(big ?? value);
    }
    throw new RangeError('a number of more than ten bytes');
  }
}
