import { randomBytes } from 'node:crypto';
import { exec } from '#agent/kit/exec';

export interface NetNamespace {
  readonly name: string;
  /** argv that runs a command inside. */
  readonly within: (argv: readonly string[]) => string[];
  /** `ip -n <name> …`; throws when it fails. */
  readonly ip: (line: string) => Promise<void>;
}

export interface NetNamespaces extends AsyncDisposable {
  readonly left: NetNamespace;
  readonly right: NetNamespace;
}

/** Two network namespaces, loopback up, tied by `cables` virtual cables whose ends are eth0, eth1, … in both. */
export async function netNamespaces(cables: number): Promise<NetNamespaces> {
  const id = randomBytes(3).toString('hex');
  const [left, right] = [namespace(`kt-${id}-l`), namespace(`kt-${id}-r`)];
  const remove = async (): Promise<void> => {
    // Their interfaces go with them.
    for (const { name } of [left, right]) await exec(['ip', 'netns', 'del', name], { timeoutMs: 10_000 });
  };
  try {
    for (const { name, ip } of [left, right]) {
      await run(['ip', 'netns', 'add', name]);
      await ip('link set lo up');
    }
    for (let cable = 0; cable < cables; cable++) {
      await left.ip(`link add eth${cable} type veth peer name eth${cable} netns ${right.name}`);
      for (const { ip } of [left, right]) await ip(`link set eth${cable} up`);
    }
  } catch (error) {
    await remove();
    throw error;
  }
  return { left, right, [Symbol.asyncDispose]: remove };
}

/** Whether this machine lets the tests make them; a test that cannot run says so and is skipped. */
export async function netNamespacesMissing(what: string): Promise<boolean> {
  try {
    await using _namespaces = await netNamespaces(1);
    return false;
  } catch (error) {
    console.log(`skipped: ${what}: ${error instanceof Error ? error.message : 'no network namespaces'}`);
    return true;
  }
}

function namespace(name: string): NetNamespace {
  return {
    name,
    within: (argv) => ['ip', 'netns', 'exec', name, ...argv],
    ip: (line) => run(['ip', '-n', name, ...line.split(' ')]),
  };
}

async function run(argv: readonly string[]): Promise<void> {
  const { code, stderr } = await exec(argv, { timeoutMs: 10_000 });
  if (code !== 0) throw new Error(`${argv.join(' ')}: ${stderr.trim()}`);
}
