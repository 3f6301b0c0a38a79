import type { Operation } from '#agent/contract/operation';
import { duration } from './ages';
import { watchOperation } from './operation-watch';
import { createRateMeter, type RateMeter } from './progress-bar';
import type { ProgressLine } from './progress-line';
import type { Session } from './session';

/**
 * Shows how far an operation is until it is over, and returns its last state. A signal ends only the
 * watching: the work goes on, and the note says how to come back.
 */
export async function followToEnd(session: Session, operationId: string): Promise<Operation> {
  const { output, shell } = session;
  using line = output.progress();
  const meter = createRateMeter();
  let last: Operation | undefined;
  let isAway = false;
  const onConnection = (fault: Error | undefined): void => {
    if (fault !== undefined && !isAway) remark(line, `${fault.message}; the work goes on, trying again`);
    if (fault === undefined && isAway) remark(line, 'the control plane answers again');
    isAway = fault !== undefined;
  };
  const remark = (progress: ProgressLine, text: string): void => {
    progress.clear();
    output.note(text);
  };
  try {
    for await (const operation of watchOperation(session, { operationId, onConnection })) {
      last = operation;
      showProgress(line, { operation, meter, nowMs: shell.clock.bootMs() });
    }
  } catch (error) {
    if (shell.signal.aborted) {
      remark(line, `\nIt goes on. Watch it again: ktrdr-agent follow ${operationId}`);
      output.note(`Stop it: ktrdr-agent cancel ${operationId}`);
    }
    throw error;
  }
  if (last === undefined) throw new RangeError(`operation ${operationId} was watched without a state`);
  return last;
}

interface Moment {
  operation: Operation;
  meter: RateMeter;
  nowMs: number;
}

function showProgress(line: ProgressLine, { operation, meter, nowMs }: Moment): void {
  const { progress, status, waiting_reason } = operation;
  meter.sample(progress.items_processed, nowMs);
  const isCounted = progress.items_total !== null;
  line.show({
    fraction: progress.percentage / 100,
    ...(isCounted ? { done: progress.items_processed, total: progress.items_total ?? 0 } : {}),
    ...(operation.operation_type === 'sweep' ? { noun: 'units' } : {}),
    rate: isCounted && status === 'running' ? meter.rate : undefined,
    etaMs: etaMs(operation, meter),
    note: status === 'running' ? (progress.current_step ?? '') : (waiting_reason ?? status),
  });
}

function etaMs({ progress, status }: Operation, { rate }: RateMeter): number | undefined {
  if (status !== 'running') return undefined;
  if (progress.eta_seconds !== null) return progress.eta_seconds * 1000;
  if (rate === undefined || rate <= 0 || progress.items_total === null) return undefined;
  return ((progress.items_total - progress.items_processed) / rate) * 1000;
}

/** How long an operation ran, for the line that says it is over. */
export function elapsed(operation: Operation): string {
  const { started_at, completed_at } = operation;
  if (started_at === null || completed_at === null) return '';
  return ` after ${duration(Date.parse(completed_at) - Date.parse(started_at))}`;
}
