// What is allowed, in one place
// =============================================================================

export const limits = {
  /** Encoded key. */
  keyBytesMax: 4096,
  /** Encoded value. */
  valueBytesMax: 1_048_576,
  /** Items in one `batch` or `getMany` call. */
  batchCountMax: 1000,
  /** Items, and bytes, in one page of a range. */
  pageCountMax: 10_000,
  pageBytesMax: 1_048_576,
  /** Levels of nesting in a value. */
  depthMax: 32,
  /** Writes of one session in one partition that may be outstanding (S6). */
  sessionWindowMax: 512,
  /** Sessions that one partition remembers. */
  sessionCountMax: 10_000,
  /** Bytes of one NATS message; longer frames are cut in chunks (T5). */
  chunkBytesMax: 512 * 1024,
  /** Bytes of one frame, and of one journal record's payload. */
  frameBytesMax: 16 * 1024 * 1024,
  partitionsPerTableMax: 1024,
  tableCountMax: 1024,
  replicasMax: 5,
  versionsMax: 100,
} as const;

export type Limits = typeof limits;
