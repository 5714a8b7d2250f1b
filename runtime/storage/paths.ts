// Names of a journal's files (FORMAT.md, "The files of a journal")
// =============================================================================

function digits(number: number): string {
  return String(number).padStart(10, '0');
}

export function generationPath(directory: string, generation: number): string {
  return `${directory}/generation-${digits(generation)}`;
}

export function taintName(generation: number): string {
  return `tainted-${digits(generation)}`;
}

export function segmentName(segment: number): string {
  return `segment-${digits(segment)}`;
}

export function snapshotName(stream: number, id: number): string {
  return `snapshot-${digits(stream)}-${digits(id)}`;
}

/** The number in a name such as `segment-0000000007`, or undefined when the name is of another kind. */
export function numberIn(name: string, kind: 'generation' | 'segment' | 'tainted'): number | undefined {
  const match = /^([a-z]+)-(\d{10,15})$/.exec(name);
  return match?.[1] === kind ? Number(match[2]) : undefined;
}

/** What a snapshot's name says, also of one still being written. */
export function snapshotIn(
  name: string,
): { readonly stream: number; readonly id: number; readonly temporary: boolean } | undefined {
  const match = /^snapshot-(\d{10,15})-(\d{10,15})(\.tmp)?$/.exec(name);
  return match === null
    ? undefined
    : { stream: Number(match[1]), id: Number(match[2]), temporary: match[3] !== undefined };
}
