import { tagFilters } from '#agent/contract/gossip-endpoints';
import type { FleetGossip, KeyChange, KeyStep } from '#agent/contract/gossip';
import { Fault } from '#agent/kit/error';
import type { ControlContext } from '#control/http/context';
import type { Handlers } from '#control/http/route';

type GossipHandlers = Pick<
  Handlers,
  | 'askMembers'
  | 'changeKeys'
  | 'fireEvent'
  | 'forceLeaveMember'
  | 'getGossip'
  | 'getRoundTrip'
  | 'listKeys'
  | 'listMembers'
>;

/** The fleet by gossip. Keys pass through `changeKeys` alone, and nothing here logs or repeats one. */
export function gossipHandlers(context: Pick<ControlContext, 'gossip' | 'log'>): GossipHandlers {
  const gossip = (): FleetGossip => context.gossip() ?? switchedOff();
  const { log } = context;
  return {
    async getGossip() {
      return { success: true, data: gossip().state() };
    },
    async listMembers({ query: { tag = [], status } }) {
      const data = gossip().members({ tags: tagFilters(tag), status });
      const active = data.filter((member) => member.status === 'alive' || member.status === 'suspect');
      return { success: true, data, total_count: data.length, active_count: active.length };
    },
    async forceLeaveMember({ params: { name }, body: { prune } }) {
      gossip().forceLeave(name, prune);
      log.info('gossip: a member was declared gone', { member: name, prune });
      return { success: true, data: { name, prune } };
    },
    async fireEvent({ body }) {
      const fleet = gossip();
      fleet.fire(body);
      log.info('gossip: event sent', { event: body.name });
      return { success: true, data: { name: body.name, members: fleet.state().counts.alive } };
    },
    async askMembers({ body, signal }) {
      return { success: true, data: await gossip().ask(body, signal) };
    },
    async listKeys({ signal }) {
      const [step] = await gossip().changeKeys({ action: 'list' }, signal);
      return { success: true, data: step ?? noStep() };
    },
    async changeKeys({ body, signal }) {
      const data = await gossip().changeKeys(body, signal);
      logSteps(context, body, data);
      return { success: true, data };
    },
    async getRoundTrip({ query: { from, to } }) {
      const fleet = gossip();
      const other = to ?? fleet.name;
      return {
        success: true,
        data: { from, to: other, round_trip_ms: fleet.roundTripMs(from, other) },
      };
    },
  };
}

/** A conflict with the settings: it stays until somebody changes them. */
function switchedOff(): never {
  throw new Fault('conflict', 'Cannot ask the fleet: gossip is switched off on this control plane', {
    hint: 'set gossip: true (KTRDR_GOSSIP=true) there and restart it; just after its start ask again',
  });
}

function noStep(): never {
  throw new Fault('internal', 'Cannot list the keys: nothing was asked');
}

function logSteps(
  { log }: Pick<ControlContext, 'log'>,
  { action }: KeyChange,
  steps: readonly KeyStep[],
): void {
  if (action === 'list') return;
  for (const { step, succeeded, members } of steps) {
    log.info('gossip: keys', { action, step, done_by: succeeded, of: members });
  }
}
