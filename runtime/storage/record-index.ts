// Where each stream's records are in one segment
// =============================================================================
//
// A start replays streams one after the other from a journal in which they are interleaved. Reading the journal once per stream
// would be quadratic, so the one scan that recovery needs anyway (and later every write) notes where each record is: twelve
// bytes a record, in typed arrays outside the JavaScript heap's objects. That is bounded by the journal's own limit: at
// 256 MiB of 200-byte records about 15 MB, given back as segments are trimmed.

const initialCount = 16;

/** The records of one stream in one segment, in order. */
export class RecordPositions {
  #positions = new Uint32Array(initialCount); // in units of 8 bytes
  #lengths = new Uint32Array(initialCount); // payload bytes
  #lsns = new Uint32Array(initialCount); // from the segment's base lsn
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(position: number, payloadBytes: number, lsnOffset: number): void {
    const at = this.#count++;
    if (at === this.#positions.length) {
      this.#positions = grown(this.#positions);
      this.#lengths = grown(this.#lengths);
      this.#lsns = grown(this.#lsns);
    }
    this.#positions[at] = position / 8;
    this.#lengths[at] = payloadBytes;
    this.#lsns[at] = lsnOffset;
  }

  position(at: number): number {
    return (this.#positions[at] as number) * 8;
  }

  payloadBytes(at: number): number {
    return this.#lengths[at] as number;
  }

  lsnOffset(at: number): number {
    return this.#lsns[at] as number;
  }

  /** Index of the first record whose lsn offset is at least `lsnOffset`; `count` when there is none. */
  firstFrom(lsnOffset: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#lsns[middle] as number) < lsnOffset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function grown(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}

/** A segment of the journal, as it is known in memory. */
export class SegmentIndex {
  readonly segment: number;
  readonly fileBytes: number;
  readonly baseLsn: number;
  readonly #streams = new Map<number, RecordPositions>();

  constructor(segment: number, fileBytes: number, baseLsn: number) {
    this.segment = segment;
    this.fileBytes = fileBytes;
    this.baseLsn = baseLsn;
  }

  add(stream: number, position: number, payloadBytes: number, lsn: number): void {
    let positions = this.#streams.get(stream);
    if (positions === undefined) {
      positions = new RecordPositions();
      this.#streams.set(stream, positions);
    }
    positions.add(position, payloadBytes, lsn - this.baseLsn);
  }

  of(stream: number): RecordPositions | undefined {
    return this.#streams.get(stream);
  }

  /** Forgets a closed stream. */
  drop(stream: number): void {
    this.#streams.delete(stream);
  }

  /** Streams with a record here whose lsn is at least what `floorOf` says; a stream without floor needs nothing. */
  *needing(floorOf: (stream: number) => number | undefined): Generator<number> {
    for (const [stream, positions] of this.#streams) {
      const floor = floorOf(stream);
      if (floor !== undefined && positions.firstFrom(floor - this.baseLsn) < positions.count) yield stream;
    }
  }
}
