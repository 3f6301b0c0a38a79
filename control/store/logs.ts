import type { AttemptKey } from '#agent/contract/lease';
import type { LogLine } from '#agent/contract/operation';
import { fence } from './fence';
import { json, type Sql } from './sql';

/** Lines kept of one attempt; one more says that the rest is not. */
export const LOG_LINES_MAX = 20_000;

export interface LogRow {
  logLineId: number;
  operationId: string;
  epoch: number;
  seq: number;
  at: string;
  stream: LogLine['stream'];
  line: string;
  nodeName: string;
}

const LAST_LINE = `later lines of this attempt are not kept here: the limit is ${LOG_LINES_MAX}`;

/** Stores lines of the latest attempt; a line that came before is passed over. */
export async function recordLogs(
  sql: Sql,
  key: AttemptKey,
  report: { worker_id: string; lines: Omit<LogLine, 'epoch'>[] },
): Promise<void> {
  // The last lines may come after the result: they belong to this attempt all the same.
  const { operation } = await fence(sql, key, report.worker_id);
  const lines = report.lines.filter((line) => line.seq < LOG_LINES_MAX);
  const beyond = report.lines.find((line) => line.seq >= LOG_LINES_MAX);
  if (beyond !== undefined) lines.push({ ...beyond, seq: LOG_LINES_MAX, stream: 'system', line: LAST_LINE });
  await sql`
    insert into log_line (operation_id, root_id, epoch, seq, at, stream, line)
    select ${key.operation_id}, ${operation.parentId ?? key.operation_id}, ${key.epoch}, l.seq, l.at, l.stream, l.line
    from jsonb_to_recordset(${json(sql, lines)}) as l(seq bigint, at timestamptz, stream text, line text)
    order by l.seq
    on conflict (operation_id, epoch, seq) do nothing`;
}

/** Lines of an operation, or of all batches of a sweep, after a cursor. */
export async function readLogs(sql: Sql, rootId: string, after: number, limit: number): Promise<LogRow[]> {
  return await sql<LogRow[]>`
    select l.log_line_id, l.operation_id, l.epoch, l.seq, l.at, l.stream, l.line, n.name as node_name
    from log_line l join attempt a using (operation_id, epoch) join node n using (node_id)
    where (l.root_id = ${rootId} or l.operation_id = ${rootId}) and l.log_line_id > ${after}
    order by l.log_line_id limit ${limit}`;
}
