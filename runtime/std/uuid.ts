// UUIDs as sixteen bytes
// =============================================================================
//
// Sources: RFC 9562 §4 (text form).

const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return pattern.test(text);
}

/** @throws TypeError when `text` is no UUID. */
export function uuidBytes(text: string): Uint8Array {
  if (!isUuid(text)) throw new TypeError(`not a UUID: ${text}`);
  const digits = text.replaceAll('-', '');
  const bytes = new Uint8Array(16);
  for (let i = 0; i < 16; i++) bytes[i] = Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16);
  return bytes;
}
