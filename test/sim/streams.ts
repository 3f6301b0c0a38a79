import type { DialogOutcome, Effect, Input } from '#agent/gossip/core/effects';
import { PORT, type Host, type Reply } from './host';
import { after, type World } from './world';

type OpenStream = Extract<Effect, { kind: 'dialog' }>;

/**
 * One request and one answer over virtual TCP. The asker hears exactly one outcome, if it still lives: the
 * answer, a refusal, a cut, or its own time-out.
 */
export function openStream(
  world: World,
  asker: Host,
  { stream, give }: { stream: OpenStream; give: (world: World, host: Host, input: Input) => void },
): void {
  const { dialog, to, request, timeoutMs } = stream;
  const { life } = asker;
  let isOver = false;
  const end = (outcome: DialogOutcome): void => {
    if (isOver || asker.life !== life) return;
    isOver = true;
    give(world, asker, { kind: 'dialog-result', dialog, outcome });
  };
  after(world, timeoutMs, () => {
    end({ ok: false, reason: 'timeout' });
  });
  const server = world.byIp.get(to.host);
  if (server === undefined) return;
  const there = world.network.stream(asker.index, server.index);
  if (there === 'timeout') return;
  // A handshake before the request.
  after(world, 3 * there, () => {
    const fault = world.network.tcpFault(server.index);
    if (server.core === undefined || server.ip !== to.host || fault === 'refuse') {
      // A machine that is up says so of a process that is not; a firewall that refuses knows TCP only.
      const deserted = server.core === undefined && server.ip === to.host && fault !== 'refuse';
      end({ ok: false, reason: 'refused', deserted });
      return;
    }
    const number = ++world.streams;
    server.replies.set(number, (message) => {
      const back = world.network.stream(server.index, asker.index);
      if (back === 'timeout' || fault === 'half-open') return;
      after(world, back, () => {
        end(fault === 'cut' ? { ok: false, reason: 'closed' } : outcomeOf(message));
      });
    });
    const from = { host: asker.ip, port: PORT };
    give(world, server, { kind: 'dialog-request', dialog: number, from, message: request });
  });
}

function outcomeOf(message: Reply): DialogOutcome {
  return message.type === 'err' ? { ok: false, reason: message.Error } : { ok: true, message };
}
