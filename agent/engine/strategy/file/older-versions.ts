import { isMap, isScalar, isSeq } from 'yaml';
import { scalarText } from './document';
import type { Document, Field } from './document';

/**
 * Recognises what KTRDR's earlier versions wrote, and says what to write instead. True: the file is of
 * an earlier version, and reading it as one of version 3.0 would only report nonsense.
 */
export function reportOlderVersion({ problems }: Document, fields: ReadonlyMap<string, Field>): boolean {
  const data = fields.get('data');
  if (data !== undefined && !fields.has('training_data')) {
    problems.report(
      data.offset,
      "this is a strategy of KTRDR's version 1 (it has data instead of training_data)",
      'rename data to training_data, write version: "3.0", indicators as a mapping, and the rules as model: {type: rules, …}',
    );
    return true;
  }
  const indicators = fields.get('indicators');
  if (indicators !== undefined && isSeq(indicators.value)) {
    problems.report(
      indicators.offset,
      "this is a strategy of KTRDR's version 2 (its indicators are a list)",
      `write version: "3.0" and indicators as a mapping, such as ${migrated(indicators.value.items[0])}`,
    );
    return true;
  }
  const version = fields.get('version');
  if (version === undefined) return false;
  const text = isScalar(version.value) ? scalarText(version.value) : '';
  if (/^3(\.0)?$/.test(text)) return false;
  problems.report(
    version.value?.range[0] ?? version.offset,
    `version '${text.slice(0, 20)}' is not known`,
    'write version: "3.0"',
  );
  return true;
}

/** `{name: rsi, feature_id: rsi_14, params: {period: 14}}` as version 3.0 writes it. */
function migrated(item: unknown): string {
  const fallback = 'rsi_14: {type: rsi, period: 14}';
  if (!isMap(item)) return fallback;
  const text = (key: string): string | undefined => {
    const value: unknown = item.get(key);
    return typeof value === 'string' && /^\w{1,64}$/.test(value) ? value : undefined;
  };
  const [name, id] = [text('name') ?? text('type'), text('feature_id')];
  const parameters = item.get('params');
  if (name === undefined || id === undefined) return fallback;
  const pairs = isMap(parameters)
    ? parameters.items.slice(0, 10).map(({ key, value }) => `, ${plain(key)}: ${plain(value)}`)
    : [];
  return `${id}: {type: ${name}${pairs.join('')}}`;
}

function plain(node: unknown): string {
  return isScalar(node) ? scalarText(node).slice(0, 40) : '…';
}
