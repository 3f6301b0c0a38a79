import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { buildInfo } from '#agent/kit/build-info';
import { writeFileDurably } from '#agent/kit/durable-file';
import { errorCode } from '#agent/kit/error';
import type { LoadedSettings } from '#agent/daemon/settings';
import { startNodeGossip, type NodeGossip, type NodeGossipOptions } from './node-gossip';

/** The gossip of a control plane: its tag is how agents find its API. */
export async function startControlGossip(
  settings: LoadedSettings,
  options: Pick<NodeGossipOptions, 'log' | 'clock' | 'rng'> & { apiPort: number },
): Promise<NodeGossip | undefined> {
  if (!settings.values.gossip) return undefined;
  const id = controlId(settings.values.state_dir);
  return await startNodeGossip(settings, {
    ...options,
    role: 'control',
    name: `control-${hostname()}-${id.slice(0, 8)}`,
    tags: {
      role: 'control',
      id,
      version: buildInfo.version,
      apiPort: options.apiPort,
      gpu: null,
      cores: null,
      ib: false,
      capabilities: null,
    },
  });
}

const ID_PATTERN = /^[0-9a-f]{32}$/;

/** Made at the first start and kept, so that a control plane that moved with its state is the same one. */
function controlId(stateDirectory: string): string {
  const path = join(stateDirectory, 'control-id');
  const found = read(path);
  if (found !== undefined && ID_PATTERN.test(found)) return found;
  const made = randomBytes(16).toString('hex');
  writeFileDurably(path, `${made}\n`);
  return made;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
