import { broken, fine, warning, type Finding } from '#agent/contract/doctor';
import type { Verdict } from '#agent/contract/worker';
import type { ControlContext } from '#control/http/context';
import { judge } from '#control/schedule/fleet';
import { listNodes, type NodeRow } from '#control/store/nodes';

/** Every agent that is not ready, with its cause and its fix; and those of another version. */
export async function checkAgents(context: ControlContext): Promise<Finding> {
  const rows = await listNodes(context.database.sql);
  return judgeAgents(
    rows.map((row) => ({ row, judged: judge(row, context.times) })),
    context.build.version,
  );
}

export interface JudgedAgent {
  row: Pick<NodeRow, 'name' | 'endpointUrl' | 'version' | 'leases'>;
  judged: Verdict;
}

const TOLD_MAX = 20;

export function judgeAgents(agents: readonly JudgedAgent[], version: string): Finding {
  const start = 'ktrdr-agent run --role worker';
  if (agents.length === 0) {
    return warning('no agent is registered, so no work can run', { fix: `start one: ${start}` });
  }
  const usable = agents.filter(({ judged }) => judged.state === 'ready' || judged.state === 'degraded');
  const troubled = agents.filter(({ judged }) => FIXES[judged.state] !== undefined);
  const foreign = usable.filter(({ row }) => row.version !== version);
  const derivation = agents.slice(0, TOLD_MAX).map(describeAgent);
  if (agents.length > TOLD_MAX) derivation.push(`and ${agents.length - TOLD_MAX} more`);
  const [first] = troubled;
  if (first !== undefined) {
    const others = troubled.length === 1 ? '' : `, and ${troubled.length - 1} more of ${agents.length}`;
    const summary = `${first.row.name} is ${first.judged.state}: ${first.judged.cause}${others}`;
    const isLost = first.judged.state === 'lost';
    const gone = isLost ? `; if it is gone for good: ktrdr-agent forget ${first.row.name}` : '';
    return warning(summary, { fix: `${fixOf(first)}${gone}`, derivation });
  }
  if (usable.length === 0) {
    return broken(`none of ${agents.length} agents takes work: all are stopped or draining`, {
      fix: `start one: ${start}`,
      derivation,
    });
  }
  const [other] = foreign;
  if (other !== undefined) {
    const summary = `${other.row.name} runs version ${other.row.version}, the control plane ${version}`;
    return warning(summary, { fix: `install version ${version} on ${other.row.name}`, derivation });
  }
  return fine(`${usable.length} of ${agents.length} agents take work`, derivation);
}

function describeAgent({ row, judged }: JudgedAgent): string {
  const held = row.leases.length === 0 ? '' : `, holds ${row.leases.length} operations`;
  return `${row.name} at ${row.endpointUrl}, version ${row.version}: ${judged.state}, ${judged.cause}${held}`;
}

/** What to do on the machine of an agent in trouble. */
const FIXES: Readonly<Partial<Record<Verdict['state'], string>>> = {
  'cut-off': 'ktrdr-agent doctor, which tries the way to this control plane step by step',
  degraded: 'ktrdr-agent doctor',
  lost: 'ktrdr-agent run --role worker; if it runs there, ktrdr-agent doctor says why it is not heard',
  quarantined: 'on the copy of it, remove state_dir/identity.json and restart the agent',
};

function fixOf({ row, judged }: JudgedAgent): string {
  return `on the machine of ${row.name}: ${FIXES[judged.state] ?? 'ktrdr-agent doctor'}`;
}
