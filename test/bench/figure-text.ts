// Figures as people read them
// =============================================================================

/** Three significant digits: 4.77k, 126k, 1.15M. */
export function countText(value: number): string {
  if (value < 1000) return digits(value);
  if (value < 999_500) return `${digits(value / 1000)}k`;
  return `${digits(value / 1e6)}M`;
}

export function msText(ms: number): string {
  return digits(ms);
}

export function ratioText(ratio: number): string {
  return `${digits(ratio)} ×`;
}

export function percentText(share: number): string {
  return `${Math.round(share * 100)} %`;
}

export function bytesText(bytes: number): string {
  if (bytes < 1024 ** 3) return `${Math.round(bytes / 1024 ** 2)} MiB`;
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}

function digits(value: number): string {
  if (value >= 99.95) return String(Math.round(value));
  if (value >= 9.995) return value.toFixed(1);
  return value.toFixed(2);
}
