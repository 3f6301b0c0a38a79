import { readFilter } from '#agent/gossip/wire/serf-messages';

/** Tag values are at most this long on the wire: with the limits below a match takes microseconds. */
const EXPRESSION_LENGTH_MAX = 256;
const REPETITIONS_MAX = 2;

/**
 * Whether all filters let this node through. Throws WireError for one that is no filter; an expression
 * that is not understood lets nobody through, since the sender meant a choice.
 */
export function passes(
  filters: readonly Uint8Array[],
  node: { readonly name: string; readonly tags: ReadonlyMap<string, string> },
): boolean {
  return filters.every((data) => {
    const filter = readFilter(data);
    if (filter.kind === 'nodes') return filter.names.includes(node.name);
    const value = node.tags.get(filter.Tag);
    return value !== undefined && (expression(filter.Expr)?.test(value) ?? false);
  });
}

/**
 * An expression of Go's RE2 for JavaScript's engine, which unlike RE2 can take exponential time: only
 * the part that both read alike and that cannot run away. Undefined for the rest: groups that repeat,
 * back references, look-around, flags, Unicode classes.
 */
export function expression(text: string): RegExp | undefined {
  if (text.length > EXPRESSION_LENGTH_MAX) return undefined;
  const withoutClasses = text.replaceAll(/\\[\s\S]/g, 'x').replaceAll(/\[[^\]]*\]/g, 'x');
  if (/\\[^.^$*+?()[\]{}|\\/\-dDwWsS]/.test(text) || withoutClasses.includes('(?')) return undefined;
  if (/\)[*+?{]/.test(withoutClasses)) return undefined;
  const repetitions = withoutClasses.match(/[*+]|\{\d*,?\d*\}/g) ?? [];
  if (repetitions.length > REPETITIONS_MAX) return undefined;
  try {
    return new RegExp(text);
  } catch {
    return undefined;
  }
}
