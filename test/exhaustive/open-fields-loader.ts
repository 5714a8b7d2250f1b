// Module hook: production modules whose private fields can be seen, and in which a line may be wrong on purpose
// =============================================================================
//
// An explicit-state search has to copy and compare states, which the language forbids for `#private` fields. A module whose URL ends in
// `?open=…` is loaded with each `#name` as `_$name`, and so is everything that it imports by a relative path. Nothing else changes, so what is
// searched is the production code. The value of `open` says as JSON what is wrong in this copy: a planted bug, which the copy's probes are told, and
// mutations: a text of the compiled module, and what stands there instead. A mutation whose text is not there exactly once is an error, so that none can rot into a search of the right code.
//
// Runs in the thread of Node's module hooks. Sources: nodejs.org/api/module.html, "Customization Hooks".

import type { PlantedBug } from '../../runtime/probes/planted-bugs.js';

export interface Mutation {
  /** The end of the module's path. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** What is wrong on purpose. */
export interface Wrong {
  readonly planted?: PlantedBug;
  readonly mutations?: readonly Mutation[];
}

interface Resolved {
  readonly url: string;
}

interface Loaded {
  readonly format: string;
  readonly source: string | Uint8Array;
}

const parameter = 'open';

export async function resolve(
  specifier: string,
  context: { readonly parentURL?: string },
  next: (specifier: string, context: unknown) => Promise<Resolved>,
): Promise<Resolved> {
  const resolved = await next(specifier, context);
  const parent = context.parentURL === undefined ? undefined : openOf(context.parentURL);
  if (parent === undefined || !specifier.startsWith('.') || openOf(resolved.url) !== undefined) return resolved;
  return { ...resolved, url: openUrl(resolved.url, parent) };
}

export async function load(
  url: string,
  context: unknown,
  next: (url: string, context: unknown) => Promise<Loaded>,
): Promise<Loaded> {
  const loaded = await next(url, context);
  const wrong = openOf(url);
  if (wrong === undefined) return loaded;
  const { pathname } = new URL(url);
  let source = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source);
  for (const { file, from, to } of (JSON.parse(wrong) as Wrong).mutations ?? []) {
    if (!pathname.endsWith(file)) continue;
    const parts = source.split(from);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${from}`);
    source = parts.join(to);
  }
  return { ...loaded, source: withOpenFields(source) };
}

/** In code a private name follows a dot, a space, or the start of a line; in strings of ours nothing of that shape stands. */
function withOpenFields(source: string): string {
  return source.replace(/(^|[\s.(!*])#(?=[a-zA-Z])/gm, '$1_$');
}

function openOf(url: string): string | undefined {
  return url.startsWith('file:') ? (new URL(url).searchParams.get(parameter) ?? undefined) : undefined;
}

export function openUrl(url: string, wrong: string): string {
  const open = new URL(url);
  open.searchParams.set(parameter, wrong);
  return open.href;
}
