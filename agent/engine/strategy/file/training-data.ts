import { TIMEFRAMES } from '#agent/contract/timeframe';
import { isScalar } from 'yaml';
import { describeNode, readItems, readKnownFields, readNumber, readText, scalarText } from './document';
import type { Document, Field } from './document';

/** The section `training_data`: the bars that the strategy is meant for. */
export interface TrainingData {
  readonly symbols: readonly string[];
  readonly timeframes: readonly string[];
  readonly startDate: string | undefined;
  readonly endDate: string | undefined;
  /** Bars before the first decision, beside what the rules themselves need. */
  readonly historyRequired: number;
}

const KEYS = ['symbols', 'timeframes', 'history_required', 'start_date', 'end_date'];
const HISTORY_MAX = 100_000;
const LIST_MAX = 1000;

export function readTrainingData(document: Document, section: Field | undefined): TrainingData {
  const fields =
    section === undefined
      ? new Map<string, Field>()
      : readKnownFields(document, { value: section.value, what: 'training_data' }, KEYS);
  return {
    symbols: readChoice(document, fields.get('symbols'), 'symbol'),
    timeframes: readTimeframes(document, fields.get('timeframes')),
    startDate: readDate(document, fields.get('start_date')),
    endDate: readDate(document, fields.get('end_date')),
    historyRequired: readHistory(document, fields.get('history_required')),
  };
}

/** KTRDR's {mode: single, symbol: X} or {mode: multi_symbol, symbols: [X, Y]}, and likewise timeframes. */
function readChoice(document: Document, field: Field | undefined, one: 'symbol' | 'timeframe'): string[] {
  if (field === undefined) return [];
  const many = `${one}s`;
  const extra = one === 'timeframe' ? ['base_timeframe'] : [];
  const fields = readKnownFields(document, { value: field.value, what: field.key }, [
    'mode',
    one,
    many,
    ...extra,
  ]);
  const mode = fields.get('mode');
  const text = mode && readText(document, mode, 100);
  if (mode !== undefined && text !== undefined && text !== 'single' && text !== `multi_${one}`) {
    const at = mode.value?.range[0] ?? mode.offset;
    document.problems.report(at, `mode must be single or multi_${one}, got '${text}'`);
  }
  const base = fields.get('base_timeframe');
  if (base !== undefined) readText(document, base, 32);
  const single = fields.get(one);
  const list = fields.get(many);
  const items = [
    ...(single === undefined ? [] : [single]),
    ...(list === undefined ? [] : readItems(document, list)).slice(0, LIST_MAX).map((value) => ({
      key: one,
      offset: value?.range[0] ?? field.offset,
      value,
    })),
  ];
  return items.map((item) => readText(document, item, 32)).filter((value) => value !== undefined);
}

function readTimeframes(document: Document, field: Field | undefined): string[] {
  const found = readChoice(document, field, 'timeframe');
  const unknown = found.find((value) => !TIMEFRAMES.some((timeframe) => timeframe === value));
  if (field === undefined || unknown === undefined) return found;
  document.problems.report(
    field.offset,
    `there is no timeframe '${unknown}'`,
    `timeframes: ${TIMEFRAMES.join(', ')}`,
  );
  return [];
}

function readDate(document: Document, field: Field | undefined): string | undefined {
  if (field === undefined) return undefined;
  const { value } = field;
  const text = isScalar(value) ? scalarText(value) : '';
  if (/^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`))) return text;
  const got = value === null ? 'nothing' : describeNode(value);
  document.problems.report(
    value?.range[0] ?? field.offset,
    `${field.key} must be a date such as 2024-12-31, got ${got}`,
  );
  return undefined;
}

function readHistory(document: Document, field: Field | undefined): number {
  const bars = field && readNumber(document, field);
  if (field === undefined || bars === undefined) return 0;
  if (Number.isInteger(bars) && bars >= 0 && bars <= HISTORY_MAX) return bars;
  document.problems.report(
    field.value?.range[0] ?? field.offset,
    `history_required must be a whole number of bars from 0 to ${HISTORY_MAX}, got ${bars}`,
  );
  return 0;
}
