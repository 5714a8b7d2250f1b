// Values: what a user puts and gets
// =============================================================================
//
// The one place to import from: the codec (value-codec.ts), the arithmetic of `increment` (value-number.ts), and values as JSON for
// people (value-printable.ts).

export { decodeValue, encodeValue, type Value } from './value-codec.js';
export { incrementValue, isNumberValue } from './value-number.js';
export { fromPrintable, toPrintable } from './value-printable.js';
