import type { Operation } from '#agent/contract/operation';
import { ageOf } from './ages';
import type { Output } from './output';
import { paintState } from './style';
import type { Column } from './table';

/** One line an operation; what waits says why. */
export function showOperations(output: Output, operations: readonly Operation[], nowMs: number): void {
  const columns: Array<Column<Operation>> = [
    { header: 'OPERATION', cell: ({ operation_id }) => operation_id },
    {
      header: 'STATUS',
      cell: ({ status }) => status,
      paint: (text, { status }) => text.replace(status, paintState(output.style, status)),
    },
    { header: 'DONE', cell: ({ progress }) => `${Math.floor(progress.percentage)} %`, align: 'right' },
    { header: 'WHAT', cell: (operation) => subjectOf(operation), widthMin: 12 },
    {
      header: 'AGENT',
      cell: ({ worker_name }) => worker_name ?? '–',
      widthMin: 8,
      overflow: 'middle',
      optional: true,
    },
    { header: 'CREATED', cell: ({ created_at }) => ageOf(created_at, nowMs), align: 'right' },
    { header: 'REMARK', cell: remarkOf, widthMin: 16, optional: true },
  ];
  output.table(operations, columns);
}

/** "sma_cross on SPX 1d", as far as the metadata say. */
export function subjectOf({ metadata, operation_type }: Operation): string {
  const [strategy, symbol, timeframe] = ['strategy_name', 'symbol', 'timeframe'].map((key) =>
    typeof metadata[key] === 'string' ? metadata[key] : undefined,
  );
  const subject = [strategy, symbol === undefined ? undefined : `on ${symbol}`, timeframe];
  return subject.filter((part) => part !== undefined).join(' ') || operation_type;
}

function remarkOf(operation: Operation): string {
  if (operation.error_message !== null) return operation.error_message;
  if (operation.waiting_reason !== null) return operation.waiting_reason;
  if (operation.cancel_requested_at !== null && operation.completed_at === null) return 'cancel requested';
  return operation.progress.current_step ?? '';
}
