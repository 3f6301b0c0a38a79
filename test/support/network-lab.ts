import { randomBytes } from 'node:crypto';
import { exec } from '#agent/kit/exec';

/** A machine of the lab: a network namespace with one address on the network of the others. */
export interface LabHost {
  readonly address: string;
  /** argv that runs a command there. */
  readonly within: (argv: readonly string[]) => string[];
  /** Drops packets of this host that match, until disposed; `expression` is one of nftables. */
  drop(direction: 'in' | 'out', expression: string): Promise<AsyncDisposable>;
}

/** Network namespaces on one bridge, removed with the lab. */
export interface NetworkLab extends AsyncDisposable {
  readonly hosts: readonly LabHost[];
}

/** `count` hosts, 198.19.0.1 and up, each of which reaches every other. */
export async function networkLab(count: number): Promise<NetworkLab> {
  const id = randomBytes(3).toString('hex');
  const middle = `kn-${id}-m`;
  const names = Array.from({ length: count }, (_, index) => `kn-${id}-${index + 1}`);
  const remove = async (): Promise<void> => {
    // Their interfaces go with them.
    for (const name of [middle, ...names]) await exec(['ip', 'netns', 'del', name], { timeoutMs: 10_000 });
  };
  try {
    await run(`ip netns add ${middle}`);
    await run(`ip -n ${middle} link add bridge0 type bridge`);
    await run(`ip -n ${middle} link set bridge0 up`);
    const hosts: LabHost[] = [];
    for (const [index, name] of names.entries()) hosts.push(await attach(name, middle, index + 1));
    return { hosts, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Whether this machine cannot make them; a test that cannot run says so and is skipped. */
export async function networkLabMissing(what: string): Promise<boolean> {
  try {
    await using lab = await networkLab(1);
    for (const host of lab.hosts) {
      await using _drop = await host.drop('in', 'udp dport 9');
    }
    return false;
  } catch (error) {
    console.log(`skipped: ${what}: ${error instanceof Error ? error.message : 'no network namespaces'}`);
    return true;
  }
}

async function attach(name: string, middle: string, index: number): Promise<LabHost> {
  const address = `198.19.0.${index}`;
  await run(`ip netns add ${name}`);
  await run(`ip -n ${name} link set lo up`);
  await run(`ip -n ${middle} link add port${index} type veth peer name eth0 netns ${name}`);
  await run(`ip -n ${middle} link set port${index} master bridge0 up`);
  await run(`ip -n ${name} addr add ${address}/24 dev eth0`);
  await run(`ip -n ${name} link set eth0 up`);
  const nft = `ip netns exec ${name} nft`;
  await run(`${nft} add table inet lab`);
  for (const [chain, hook] of Object.entries({ in: 'input', out: 'output' })) {
    await run(`${nft} add chain inet lab ${chain} { type filter hook ${hook} priority 0 ; }`);
  }
  return {
    address,
    within: (argv) => ['ip', 'netns', 'exec', name, ...argv],
    async drop(direction, expression) {
      const added = await run(`${nft} --echo --handle add rule inet lab ${direction} ${expression} drop`);
      const handle = /handle (\d+)/.exec(added)?.[1] ?? '';
      return {
        [Symbol.asyncDispose]: async () => {
          await run(`${nft} delete rule inet lab ${direction} handle ${handle}`);
        },
      };
    },
  };
}

async function run(line: string): Promise<string> {
  const { code, stdout, stderr } = await exec(line.split(' '), { timeoutMs: 10_000 });
  if (code !== 0) throw new Error(`${line}: ${stderr.trim()}`);
  return stdout;
}
