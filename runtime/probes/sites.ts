// Places where the simulator may ask for something legal but rare
// =============================================================================
//
// One line a site: its id, `room/what-is-done`, and what happens when it fires. A quarter of the sites is active in a run.
//
// Sources: FoundationDB BUGGIFY; CORRECTNESS §3.6.

export const sites = {
  'partition/commit-news-now':
    'the leader tells its followers at once how far is committed, and does not wait for the next batch',
} as const satisfies Record<string, string>;

export type Site = keyof typeof sites;
