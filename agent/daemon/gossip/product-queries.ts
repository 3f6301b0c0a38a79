import { summarizeCapabilities, type Capabilities } from '#agent/contract/capability';
import { capabilityTags } from '#agent/contract/node-tags';
import type { Role } from '#agent/contract/settings';
import { buildInfo } from '#agent/kit/build-info';
import type { Clock } from '#agent/kit/clock';
import { describeError } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';
import type { IncomingQuery } from '#agent/gossip/serf/effects';
import { SerfRefusal } from '#agent/gossip/serf/effects';
import type { GossipNode } from '#agent/gossip/driver/node';

export interface QueryAnswers {
  readonly role: Role;
  readonly clock: Clock;
  readonly log: Log;
  /** Undefined for a node that runs no jobs. */
  readonly capabilities?: (() => Capabilities) | undefined;
}

/** Answers `version`, `uptime` and `capabilities`, each as JSON that fits one packet. */
export function answerQueries(node: GossipNode, options: QueryAnswers): Disposable {
  const startedMs = options.clock.bootMs();
  return node.listen((happening) => {
    if (happening.kind !== 'query') return;
    const answer = answerTo(happening.query, { ...options, startedMs });
    if (answer === undefined) return;
    try {
      node.tell({ kind: 'respond', query: happening.query, payload: Buffer.from(JSON.stringify(answer)) });
    } catch (error) {
      // Too late for the one who asked, which is theirs to see.
      if (!(error instanceof SerfRefusal)) throw error;
      options.log.debug('a query was not answered', {
        query: happening.query.name,
        reason: describeError(error),
      });
    }
  });
}

function answerTo(
  { name }: IncomingQuery,
  { role, clock, capabilities, startedMs }: QueryAnswers & { startedMs: number },
): object | undefined {
  switch (name) {
    case 'version': {
      const { version, commit, target } = buildInfo;
      return { version, commit, target };
    }
    case 'uptime':
      return { uptime_s: Math.round((clock.bootMs() - startedMs) / 1000) };
    case 'capabilities': {
      if (capabilities === undefined) return { role };
      const known = capabilities();
      const { gpu, ib } = capabilityTags(known);
      return { role, ...summarizeCapabilities(known), gpu, ib };
    }
    default:
      return undefined;
  }
}
