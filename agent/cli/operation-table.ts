import type { Operation } from '#agent/contract/operation';
import { ageOf } from './ages';
import { plural } from './figures';
import type { Output } from './output';
import { paintState } from './style';
import type { Column } from './table';
import { printable } from './text';

/** Narrower terminals have no room for a remark beside the rest. */
const REMARK_COLUMNS_MIN = 120;
const REMARKS_MAX = 8;
/** "sma_cross SPX 1d": worth more than the agent. */
const SUBJECT_WIDTH = 16;

/** One line an operation; what waits, or failed, says why: beside it, or below the table. */
export function showOperations(output: Output, operations: readonly Operation[], nowMs: number): void {
  const isNarrow = (output.columns ?? 80) < 80;
  const isWide = (output.columns ?? REMARK_COLUMNS_MIN) >= REMARK_COLUMNS_MIN;
  const columns: Array<Column<Operation>> = [
    { header: 'OPERATION', cell: ({ operation_id }) => operation_id },
    {
      header: 'STATUS',
      cell: (operation) => (isNarrow ? operation.status : statusOf(operation)),
      paint: (text, { status }) => text.replace(status, paintState(output.style, status)),
    },
    { header: 'WHAT', cell: (operation) => subjectOf(operation), widthMin: isNarrow ? 8 : SUBJECT_WIDTH },
    { header: 'CREATED', cell: ({ created_at }) => ageOf(created_at, nowMs), align: 'right', optional: true },
    {
      header: 'AGENT',
      cell: ({ worker_name }) => worker_name ?? '–',
      widthMin: 8,
      overflow: 'middle',
      optional: true,
    },
  ];
  if (isWide) columns.push({ header: 'REMARK', cell: remarkOf, widthMin: 16, optional: true });
  output.table(operations, columns);
  if (!isWide) showRemarks(output, operations);
}

/** Those that are the same are said once. */
function showRemarks(output: Output, operations: readonly Operation[]): void {
  const told = operations.filter((operation) => remarkOf(operation) !== '');
  const groups = [...Map.groupBy(told, (operation) => `${operation.status}: ${remarkOf(operation)}`)];
  for (const [remark, { length, 0: first }] of groups.slice(0, REMARKS_MAX)) {
    const which = length === 1 ? (first?.operation_id ?? '') : `${length} operations`;
    output.line(printable(`${which} ${remark}`), '  ');
  }
  if (groups.length > REMARKS_MAX)
    output.line(`  … and ${plural(groups.length - REMARKS_MAX, 'more remark')}`);
}

/** "running 42 %": how far it came, where that is neither nothing nor everything. */
function statusOf({ status, progress }: Operation): string {
  const percent = Math.floor(progress.percentage);
  return percent > 0 && status !== 'completed' ? `${status} ${percent} %` : status;
}

/** "sma_cross SPX 1d", as far as the metadata say. */
export function subjectOf({ metadata, operation_type }: Operation): string {
  const [strategy, symbol, timeframe] = ['strategy_name', 'symbol', 'timeframe'].map((key) =>
    typeof metadata[key] === 'string' ? metadata[key] : undefined,
  );
  const subject = [strategy, symbol, timeframe];
  return subject.filter((part) => part !== undefined).join(' ') || operation_type;
}

function remarkOf(operation: Operation): string {
  if (operation.error_message !== null) return operation.error_message;
  if (operation.waiting_reason !== null) return operation.waiting_reason;
  if (operation.cancel_requested_at !== null && operation.completed_at === null) return 'cancel requested';
  return operation.progress.current_step ?? '';
}
