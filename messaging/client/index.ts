// troupe: the SDK
// =============================================================================

export type {
  Admin,
  CreatedTable,
  CreateTableOptions,
  KeyLocation,
  TableDescription,
} from './admin.js';
export type { CallOptions, PutOptions, ReadOptions, WriteOptions } from './call-options.js';
export { connect, type ConnectOptions } from './connect.js';
export type { Database } from './database.js';
export type { Duration } from './duration.js';
export {
  ClosedError,
  ConditionFailedError,
  ConnectError,
  type ErrorCode,
  errorCodes,
  NotFoundError,
  OutcomeUnknownError,
  TimeoutError,
  TroupeError,
  UnavailableError,
} from './errors.js';
export type { DeleteReceipt, IncrementReceipt, Receipt } from './receipt.js';
export type {
  CopyReport,
  HostReport,
  PartitionReport,
  StatusReport,
  TableReport,
  WorkerReport,
} from './status-report.js';
export type { BatchItem, BatchResult, Entry, Page, PageOptions, RangeOptions, Table } from './table.js';
export type { Consistency } from '../protocol/client-messages.js';
export type { Durability, HostInfo } from '../protocol/cluster-map.js';
export type { MetadataStatus } from '../protocol/host-messages.js';
export type { Key, KeyElement } from '../protocol/key.js';
export { limits, type Limits } from '../protocol/limits.js';
export type { Value } from '../protocol/value.js';
