// Which rule a failure broke
// =============================================================================
//
// The id that two failures must share to count as the same one: the first rule that the text names (`K3: …`), or the checker that spoke.
// Numbers, times and places differ from run to run and are no part of it.

const ruleId = /(?:^|[\s:])([A-Z]{1,2}\d{1,2}): /m;

/** Texts without a rule. */
const spoken: readonly (readonly [RegExp, string])[] = [
  [/^linearizability: /m, 'linearizability'],
  [/\bnot converged\b/, 'not-converged'],
  [/\ba read still fails\b/, 'read-fails'],
  [/\bevents, and no end\b/, 'no-end'],
  [/\bnot within \d+ ms\b/, 'not-within'],
];

/** @returns `K3`, `R21`, `linearizability`, `not-converged` …; of any other text its first words. */
export function violatedBy(message: string): string {
  const rule = ruleId.exec(message)?.[1];
  if (rule !== undefined) return rule;
  for (const [text, id] of spoken) if (text.test(message)) return id;
  const words = (message.split('\n')[0] ?? '').toLowerCase().match(/[a-z]{2,}/g) ?? [];
  return words.slice(0, 5).join('-') || 'unnamed';
}
