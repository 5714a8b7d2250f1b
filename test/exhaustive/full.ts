// Whether to look at everything (`make exhaustive`), or at what fits into `make test`
// =============================================================================

export const isFull: boolean = process.env['TROUPE_FULL'] === '1';
