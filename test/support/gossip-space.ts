import { z } from 'zod';
import { present } from '#agent/kit/assert';
import { exec, type ExecResult } from '#agent/kit/exec';

/** A network namespace with nothing but loopback, which counts what it sends. */
export interface Space extends AsyncDisposable {
  readonly name: string;
}

/** Bytes with IP headers. */
export interface Traffic {
  packets: number;
  bytes: number;
}

/** Serf's RPC is how it is told things, and no gossip: it does not count. */
export const SERF_RPC_PORT = 7373;
const COMMAND_MS_MAX = 20_000;

const RULES = `
table inet bench {
  counter c_udp { }
  counter c_tcp { }
  chain out {
    type filter hook output priority 0;
    meta l4proto udp counter name "c_udp"
    tcp sport != ${SERF_RPC_PORT} tcp dport != ${SERF_RPC_PORT} counter name "c_tcp"
  }
}
`;

let spaces = 0;

export async function openSpace(): Promise<Space> {
  const name = `kf${process.pid}x${spaces++}`;
  await must(['ip', 'netns', 'add', name]);
  const space = {
    name,
    [Symbol.asyncDispose]: async () => {
      await exec(['ip', 'netns', 'del', name], { timeoutMs: COMMAND_MS_MAX });
    },
  };
  await must(['ip', '-n', name, 'link', 'set', 'lo', 'up']);
  await must(inside(name, ['nft', '-f', '-']), RULES);
  return space;
}

const countersSchema = z.object({
  nftables: z.array(
    z.object({
      counter: z.object({ name: z.string(), packets: z.number(), bytes: z.number() }).optional(),
    }),
  ),
});

export async function readTraffic(space: string): Promise<Record<'udp' | 'tcp', Traffic>> {
  const { stdout } = await must(inside(space, ['nft', '-j', 'list', 'counters']));
  const { nftables } = countersSchema.parse(JSON.parse(stdout));
  const read = (wanted: string): Traffic => {
    const { packets, bytes } = present(
      nftables.find(({ counter }) => counter?.name === wanted)?.counter,
      wanted,
    );
    return { packets, bytes };
  };
  return { udp: read('c_udp'), tcp: read('c_tcp') };
}

/** `ip netns exec` replaces itself by the program: the pid is that of the program. */
export function inside(space: string, command: readonly string[]): string[] {
  return ['ip', 'netns', 'exec', space, ...command];
}

export async function must(command: readonly string[], stdin?: string): Promise<ExecResult> {
  const result = await exec(command, {
    timeoutMs: COMMAND_MS_MAX,
    ...(stdin === undefined ? {} : { stdin }),
  });
  if (result.code !== 0) throw new Error(`Cannot run ${command.join(' ')}: ${result.stderr}`);
  return result;
}
