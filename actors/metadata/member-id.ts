// Names of the metadata group's members
// =============================================================================
//
// A member is a host together with its disk: whoever lost the disk also lost its votes and log, and must not be counted as the
// one that promised them (M8). So the id changes when the disk does.

/** The id under which `host` with the data directory `diskId` may be a member. */
export function memberIdOf(host: string, diskId: string): string {
  return `${host}.${diskId}`;
}
