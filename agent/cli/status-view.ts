import type { FleetStatus } from '#agent/contract/fleet';
import type { ShimState } from '#agent/contract/job';
import type { Operation } from '#agent/contract/operation';
import { Fault } from '#agent/kit/error';
import { reachControl } from '#agent/client/client';
import { age } from './ages';
import { count, plural } from './figures';
import { agentPorts, askAgents, runningShims, type LocalAgent } from './local-state';
import { showOperations } from './operation-table';
import type { Output } from './output';
import type { Session } from './session';
import { printable } from './text';
import { showWorkers } from './worker-table';

export type StatusReading = UpReading | { document: DownStatus };

interface UpReading {
  document: FleetStatus;
  url: string;
  active: Operation[];
}

/** What --json says when the control plane does not answer: what this machine can tell without it. */
export interface DownStatus {
  state: 'down';
  reasons: string[];
  hint: string | null;
  control: null;
  local: { agents: LocalAgent[]; shims: Array<ShimState & { runtime_dir: string }> };
}

const STATUS_MS_MAX = 10_000;
const ACTIVE_SHOWN = 8;

/** The control plane's own word, or what this machine shows when it does not answer. */
export async function readStatus(session: Session): Promise<StatusReading> {
  const { client, shell } = session;
  const call = { signal: shell.signal, timeoutMs: STATUS_MS_MAX };
  try {
    const { data: document } = await client.call('getStatus', call);
    const query = { active_only: true, limit: ACTIVE_SHOWN };
    const { data: active } = await client.call('listOperations', { ...call, query });
    return { document, url: client.url, active };
  } catch (error) {
    return { document: await readDown(session, await reasonOfDown(session, error)) };
  }
}

/** A missing or wrong token says nothing about the control plane: whoever answers is not down. */
async function reasonOfDown({ client, shell }: Session, error: unknown): Promise<Fault> {
  if (!(error instanceof Fault)) throw error;
  if (error.code === 'unavailable' || error.code === 'timeout') return error;
  try {
    await reachControl(client.url, { signal: shell.signal, timeoutMs: STATUS_MS_MAX });
  } catch (reason) {
    if (reason instanceof Fault) return reason;
    throw reason;
  }
  throw error;
}

/** What this machine tells by itself while the control plane does not. */
export async function readDown({ settings, fleet, shell }: Session, fault: Fault): Promise<DownStatus> {
  const members = fleet?.members.filter(({ role }) => role === 'worker');
  const { ports, guessed } = agentPorts({ settings, fleet });
  const directories = members?.map((member) => member.runtime_dir) ?? [settings.values.runtime_dir];
  const agents = await askAgents(ports, shell.signal);
  return {
    state: 'down',
    reasons: [fault.message],
    hint: fault.hint ?? null,
    control: null,
    local: {
      // Ports that were only guessed say nothing when nobody is there.
      agents: guessed ? agents.filter(({ health }) => health !== null) : agents,
      shims: directories.flatMap((directory) =>
        runningShims(directory).map((shim) => ({ ...shim, runtime_dir: directory })),
      ),
    },
  };
}

export function showStatus(output: Output, reading: StatusReading, nowMs: number): void {
  if ('active' in reading) showUp(output, reading);
  else showDown(output, reading.document, nowMs);
}

function showUp(output: Output, { document, url, active }: UpReading): void {
  const { style } = output;
  const { control, operations, workers, state, reasons } = document;
  // The control plane's own clock: that of this machine may be off.
  const nowMs = Date.parse(document.generated_at);
  const mark = state === 'ok' ? style.good('OK') : style.warning(state.toUpperCase());
  output.line(`${style.bold('Fleet')} ${mark}`);
  for (const reason of reasons) output.line(`  - ${printable(reason)}`);
  output.line();
  output.line(
    `${style.bold('Control plane')} ${url}, version ${printable(control.version)}, started ${age(Date.parse(control.started_at), nowMs)}`,
  );
  const { database } = control;
  output.line(
    `  PostgreSQL ${printable(database.server_version)} (${database.kind}) ${database.state}, schema ${database.schema_version}`,
  );
  if (control.leases_held_until !== null) {
    output.line(
      `  no lease is taken away: warm-up ends ${age(Date.parse(control.leases_held_until), nowMs)}`,
    );
  }
  showGossip(output, document.gossip);
  output.line();
  output.line(
    `${style.bold('Work')} ${count(operations.running)} running, ${count(operations.pending)} waiting; in the last day ${count(operations.completed_24h)} completed, ${count(operations.failed_24h)} failed`,
  );
  if (active.length > 0) showOperations(output, active, nowMs);
  output.line();
  output.line(style.bold(plural(workers.length, 'agent')));
  if (workers.length > 0) showWorkers(output, workers, nowMs);
  else output.line('  none yet. Start one: ktrdr-agent run');
}

function showGossip(output: Output, gossip: FleetStatus['gossip']): void {
  if (gossip === null) return output.line('  gossip is switched off');
  const { members, alive, failed, udp_degraded: degraded } = gossip;
  const remarks = [
    ...(failed > 0 ? [`${count(failed)} failed`] : []),
    ...(degraded > 0 ? [`${count(degraded)} udp degraded`] : []),
  ];
  // Those that left are no trouble, and no news.
  output.line(`  gossip ${[plural(failed > 0 ? members : alive, 'member'), ...remarks].join(', ')}`);
}

function showDown(output: Output, { reasons, hint, local }: DownStatus, nowMs: number): void {
  const { style } = output;
  output.line(`${style.bold('Fleet')} ${style.bad('DOWN')}`);
  for (const reason of reasons) output.line(`  - ${printable(reason)}`);
  if (hint !== null) output.line(`  ${style.bold('hint')}: ${printable(hint)}`);
  output.line();
  if (local.agents.length === 0 && local.shims.length === 0) {
    return output.line('Nothing of ktrdr-agent runs on this machine, as far as these settings show.');
  }
  output.line(style.bold('On this machine, without it'));
  if (local.agents.length > 0) {
    output.table(local.agents, [
      { header: 'AGENT', cell: ({ url }) => url },
      { header: 'STATE', cell: ({ health }) => health?.worker_status ?? 'no answer' },
      {
        header: 'HOLDS',
        cell: ({ health }) => (health === null ? '–' : plural(health.active_operations_count, 'operation')),
      },
      {
        header: 'ASKED',
        cell: ({ health }) => (health === null ? '–' : age(Date.parse(health.timestamp), nowMs)),
      },
      {
        header: 'SAYS',
        cell: ({ health }) => health?.control_plane.reason ?? '',
        widthMin: 16,
        overflow: 'wrap',
      },
    ]);
  }
  const busy = local.shims.filter(({ attempt }) => attempt !== null);
  if (busy.length === 0) return output.line('No job process is at work.');
  output.line();
  output.line(
    `${plural(busy.length, 'job process', 'job processes')} at work; results are kept on disk and delivered when the control plane is back:`,
  );
  output.table(busy, [
    { header: 'OPERATION', cell: ({ attempt }) => attempt?.operation_id ?? '–' },
    { header: 'EPOCH', cell: ({ attempt }) => String(attempt?.epoch ?? '–'), align: 'right' },
    { header: 'PID', cell: ({ workload, shim }) => String((workload ?? shim).pid), align: 'right' },
  ]);
}
