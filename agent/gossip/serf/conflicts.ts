import { ipText, normalizedIp } from '#agent/gossip/core/address';
import { readSerf } from '#agent/gossip/wire/serf-messages';
import type { SerfContext } from './context';
import type { QueryRequest } from './effects';

/** Asks the group who has our name when somebody else uses it too: a cloned container, mostly. */
export interface Conflicts {
  ask(): void;
  /** True when the answer was to a question of this kind. */
  answer(id: number, payload: Uint8Array): boolean;
  done(id: number): boolean;
}

/** One question at a time: a clone makes a conflict with every gossip round. */
export function createConflicts(context: SerfContext, ask: (query: QueryRequest) => void): Conflicts {
  let current: { id: number; answers: number; ours: number } | undefined;
  return {
    ask() {
      if (current !== undefined) return;
      current = { id: context.rng.below(2 ** 32), answers: 0, ours: 0 };
      ask({
        id: current.id,
        name: '_serf_conflict',
        payload: Buffer.from(context.selfName),
        filters: [],
        wantsAcks: false,
        relayFactor: 0,
        timeoutMs: undefined,
      });
    },
    answer(id, payload) {
      if (current?.id !== id) return false;
      const message = readSerf(payload);
      if (message.kind !== 'conflict' || message.value.Name !== context.selfName) return true;
      current.answers++;
      const addr = normalizedIp(message.value.Addr);
      const { address } = context.selfAddress();
      if (addr !== undefined && ipText(addr) === address.host && message.value.Port === address.port)
        current.ours++;
      return true;
    },
    done(id) {
      if (current?.id !== id) return false;
      const { ours, answers } = current;
      context.effects.push({ kind: 'conflict-verdict', ours, answers });
      current = undefined;
      return true;
    },
  };
}
