// Values of a load: a mark that says which operation wrote it, filled up to the wanted size
// =============================================================================

const filling = '~';

/** A text of that many bytes, or of the mark's where that is longer. The mark holds ASCII without `~`. */
export function loadValue(mark: string, bytes: number): string {
  return mark.padEnd(bytes, filling);
}

/** The mark alone when the value is whole; what is there instead otherwise. @param bytes as given to `loadValue`; undefined: any */
export function markOf(value: unknown, bytes: number | undefined): string | number {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return `a value of another kind: ${typeof value}`;
  const end = value.indexOf(filling);
  const mark = end === -1 ? value : value.slice(0, end);
  return loadValue(mark, bytes ?? value.length) === value ? mark : value;
}
