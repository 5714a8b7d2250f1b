// What a page of a scan says, and of which keys
// =============================================================================
//
// A page that says there is more speaks of the keys up to its last one; the last page of all that lie beyond where it began. What it speaks of
// and does not show, does not exist. Keys are compared as texts: those of a workload are ASCII, which sorts as its encoding does.

import type { Asked, Told } from './history.js';

type Scan = Extract<Asked, { readonly kind: 'scan' }>;
type Scanned = Extract<Told, { readonly kind: 'scanned' }>;

/** Whether the answer says something of the key, be it that there is none. */
export function covers(scan: Scan, told: Scanned, key: string): boolean {
  const { after, reverse = false } = scan;
  if (after !== undefined && (reverse ? key >= after : key <= after)) return false;
  if (!told.more) return true;
  const last = lastOf(told);
  return last !== undefined && (reverse ? key >= last : key <= last);
}

/** What is wrong with the page by itself; undefined: nothing. */
export function malformed(scan: Scan, told: Scanned): string | undefined {
  const { after, reverse = false, limit } = scan;
  let before = after;
  for (const key of told.items.keys()) {
    if (before !== undefined && (reverse ? key >= before : key <= before)) return `${key} comes after ${before}`;
    before = key;
  }
  if (limit !== undefined && told.items.size > limit) return `${told.items.size} items, ${limit} were asked for`;
  if (told.more && told.items.size === 0) return 'there is more, and nothing is shown';
  return undefined;
}

function lastOf({ items }: Scanned): string | undefined {
  let last: string | undefined;
  for (const key of items.keys()) last = key;
  return last;
}
