import type { PingMessage, PushPullMessage } from '#agent/gossip/wire/messages';
import type { Address } from './address';
import type { CoreContext } from './context';
import type { DialogOutcome } from './effects';

/** Streams that this node opened and whose end it awaits. */
export interface Dialogs {
  /** False when too many are open already: then nothing happens. */
  open(to: Address, request: PingMessage | PushPullMessage, wait: DialogWait): boolean;
  ended(dialog: number, outcome: DialogOutcome): void;
  /** Answers that are still to come. */
  awaited(): number;
}

export interface DialogWait {
  readonly timeoutMs: number;
  readonly onEnd: (outcome: DialogOutcome) => void;
}

export function createDialogs(context: CoreContext): Dialogs {
  const open = new Map<number, (outcome: DialogOutcome) => void>();
  let last = 0;
  return {
    open(to, request, { timeoutMs, onEnd }) {
      if (open.size >= context.settings.limits.dialogsMax) {
        context.counters.dialogsFull++;
        return false;
      }
      const dialog = ++last;
      open.set(dialog, onEnd);
      context.effects.push({ kind: 'dialog', dialog, to, request, timeoutMs });
      return true;
    },
    ended(dialog, outcome) {
      const onEnd = open.get(dialog);
      open.delete(dialog);
      onEnd?.(outcome);
    },
    awaited: () => open.size,
  };
}
