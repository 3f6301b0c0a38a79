import { capabilityTags, type NodeTags } from '#agent/contract/node-tags';
import type { Capabilities } from '#agent/contract/capability';
import { buildInfo } from '#agent/kit/build-info';
import type { Clock } from '#agent/kit/clock';
import type { LoadedSettings } from '#agent/daemon/settings';
import { startNodeGossip, type NodeGossip, type NodeGossipOptions } from './node-gossip';

export interface WorkerGossipOptions extends Pick<NodeGossipOptions, 'log' | 'clock' | 'rng'> {
  readonly identity: { readonly name: string; readonly workerId: string };
  readonly capabilities: () => Capabilities;
}

/** How often the tags are held against the capabilities; a change is told to everybody. */
const TAGS_PERIOD_MS = 10_000;

/** The gossip of an agent, whose tags follow what the probes find. */
export async function startWorkerGossip(
  settings: LoadedSettings,
  options: WorkerGossipOptions,
): Promise<NodeGossip | undefined> {
  const { identity, capabilities, clock } = options;
  const tags = (): NodeTags => ({
    role: 'worker',
    id: identity.workerId,
    version: buildInfo.version,
    apiPort: null,
    ...capabilityTags(capabilities()),
  });
  const gossip = await startNodeGossip(settings, {
    ...options,
    role: 'worker',
    name: identity.name,
    tags: tags(),
  });
  if (gossip === undefined) return undefined;
  const over = new AbortController();
  const following = follow(() => gossip.retag(tags()), clock, over.signal);
  return {
    node: gossip.node,
    fleet: gossip.fleet,
    api: gossip.api,
    retag: (next) => gossip.retag(next),
    join: (seeds) => gossip.join(seeds),
    leave: () => gossip.leave(),
    async [Symbol.asyncDispose]() {
      over.abort();
      await following;
      await gossip[Symbol.asyncDispose]();
    },
  };
}

async function follow(look: () => void, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(TAGS_PERIOD_MS, signal);
    if (!signal.aborted) look();
  }
}
