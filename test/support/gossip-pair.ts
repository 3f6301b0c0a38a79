import type { FleetGossip } from '#agent/contract/gossip';
import { writeNodeTags, type NodeTags } from '#agent/contract/node-tags';
import { fleetGossip } from '#agent/daemon/gossip/fleet-gossip';
import { followFleet } from '#agent/daemon/gossip/evidence';
import { followJoins } from '#agent/daemon/gossip/gossip-state';
import { answerQueries } from '#agent/daemon/gossip/product-queries';
import type { GossipNode } from '#agent/gossip/driver/node';
import type { Keyring } from '#agent/gossip/wire/seal';
import { systemClock } from '#agent/kit/clock';
import { silentLog } from '#agent/kit/log';
import { systemRng } from '#agent/kit/rng';
import { loopbackNode } from './gossip-driver';
import { waitUntil } from './wait-until';

/** A control plane and an agent that hear each other on loopback, and what the product says of them. */
export interface GossipPair extends AsyncDisposable {
  readonly gossip: FleetGossip;
  readonly agent: GossipNode;
}

const tags = (role: NodeTags['role'], gpu: string | null): ReadonlyMap<string, string> =>
  writeNodeTags({
    role,
    id: (role === 'control' ? 'c' : 'a').repeat(32),
    version: '0.1.0',
    apiPort: role === 'control' ? 8000 : null,
    gpu,
    cores: null,
    ib: false,
    capabilities: null,
  });

export async function gossipPair(keyring: Keyring | null): Promise<GossipPair> {
  await using stack = new AsyncDisposableStack();
  const node = stack.use(await loopbackNode('control-nas', { keyring, tags: tags('control', null) }));
  const agent = stack.use(await loopbackNode('lxc-101', { keyring, tags: tags('worker', '2xH200') }));
  const fleet = stack.use(followFleet(node, () => systemClock.bootMs()));
  const joins = stack.use(followJoins(node));
  const answers = { clock: systemClock, log: silentLog };
  stack.use(answerQueries(node, { ...answers, role: 'control' }));
  stack.use(answerQueries(agent, { ...answers, role: 'worker' }));
  node.join([agent.address]);
  await waitUntil('both to hear the other', () => node.members().length + agent.members().length === 4);
  const gossip = fleetGossip({ node, fleet, joins, label: '', rng: systemRng });
  const owned = stack.move();
  return { gossip, agent, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
