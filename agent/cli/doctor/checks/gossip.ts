import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from '#agent/client/client';
import { tokenFile } from '#agent/client/token-file';
import { broken, fine, skipped, warning, type Finding } from '#agent/contract/doctor';
import type { GossipState, KeyStep } from '#agent/contract/gossip';
import { errorCode, Fault } from '#agent/kit/error';
import { isWildcard, urlHost } from '#agent/kit/ip-address';
import { plural } from '#agent/cli/figures';
import { gossipSilence, reachGossip } from '#agent/cli/doctor/gossip-contact';
import { gravest, together, type LocalCheck } from '#agent/cli/doctor/local-check';
import type { Patient } from '#agent/cli/doctor/patient';
import type { Service } from '#agent/cli/doctor/services';

/** Whether the fleet is heard by gossip: keyring, port, members, UDP, equal keys. The clock plays no part in it. */
export const gossipCheck: LocalCheck = {
  name: 'gossip',
  topic: 'node',
  about: 'whether the fleet is heard: keyring, port, members, UDP, equal keys',
  run: checkGossip,
};

const ANSWER_MS_MAX = 2_000;

async function checkGossip(patient: Patient): Promise<Finding> {
  const running = (await patient.services()).filter(({ isRunning }) => isRunning);
  if (running.length === 0) return skipped('nothing of ktrdr-agent runs here');
  const findings = await Promise.all(running.map((service) => examine(service, patient)));
  const worst = gravest(findings);
  if (worst.state !== 'ok') return worst;
  const keys = await equalKeys(patient);
  if (keys !== undefined && keys.state !== 'ok') return keys;
  return together(findings, (count) => `${count} services hear the fleet`);
}

async function examine(service: Service, patient: Patient): Promise<Finding> {
  const state = await stateOf(service, patient);
  if (!('counts' in state)) return state;
  const derivation = describe(service.name, state);
  const keyring = await keyringTrouble(service);
  if (keyring !== undefined) return broken(keyring.summary, { fix: keyring.fix, derivation });
  const reached = await reachGossip(state.address, patient.signal);
  derivation.push(reached ?? `${state.address} takes connections`);
  if (reached !== undefined) {
    return broken(
      `gossip of the ${service.name} is not reached at the address that it tells others: ${reached}`,
      {
        fix: 'set gossip_advertise (KTRDR_GOSSIP_ADVERTISE) to an address of this machine, or open the port in its firewall, TCP and UDP',
        derivation,
      },
    );
  }
  return judge(service, state, derivation);
}

function judge({ name, settings }: Service, state: GossipState, derivation: string[]): Finding {
  const { counts, label } = state;
  const others = counts.alive - 1;
  const seeds = [...new Set([...settings.values.gossip_join, ...state.joins.map(({ address }) => address)])];
  if (others === 0 && seeds.length > 0) {
    const { summary, fix } = gossipSilence(state);
    return broken(`gossip of the ${name} hears nobody: ${summary}`, { fix, derivation });
  }
  if (counts.udp_degraded > 0) {
    return warning(
      `${plural(counts.udp_degraded, 'member')} of ${others} by TCP only: UDP is blocked one way or both`,
      {
        fix: 'let UDP through at the port of gossip_port (7946), both ways; `ktrdr-agent members` names them',
        derivation,
      },
    );
  }
  if (others === 0) return fine(`${state.address}: no other member yet, and none to join is set`, derivation);
  const mode = state.keys === 0 ? 'nothing is encrypted' : `encrypted, ${plural(state.keys, 'key')}`;
  return fine(
    `${state.address} hears ${plural(others, 'other')}; ${mode}${label === '' ? '' : `, label ${label}`}`,
    derivation,
  );
}

function describe(name: string, state: GossipState): string[] {
  const { counts, refused, joins } = state;
  const nonsense = Object.entries(refused).map(([reason, count]) => `${count} ${reason}`);
  return [
    `the ${name} is ${state.name} at ${state.address}, label '${state.label}', seals with key ${state.sealing ?? 'none'}`,
    `${counts.alive} of ${plural(counts.members, 'member')} alive, ${counts.failed} failed, ${counts.udp_degraded} by TCP only`,
    `${state.packets_sent} packets sent, ${state.packets_received} received; refused: ${nonsense.join(', ') || 'none'}`,
    ...joins.map(({ address, failure }) => `to join ${address}: ${failure ?? 'joined'}`),
  ];
}

/** What the service says of its gossip; a finding where it has none or does not say. */
async function stateOf(service: Service, { settings, signal }: Patient): Promise<GossipState | Finding> {
  const host = isWildcard(service.host) ? '127.0.0.1' : urlHost(service.host);
  const url = `http://${host}:${service.port}`;
  try {
    const client = createClient({ url, token: tokenFile(settings.values.token_file) });
    return (await client.call('getGossip', { signal, timeoutMs: ANSWER_MS_MAX })).data;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.code === 'conflict') return skipped(`gossip of the ${service.name} is switched off`);
    return skipped(`not known: the ${service.name} at ${url} does not say (${error.message})`);
  }
}

/** The file that the service reads at its next start, where this user may look at it. */
async function keyringTrouble({
  settings,
  directories,
}: Service): Promise<{ summary: string; fix: string } | undefined> {
  const set = settings.values.gossip_keyring;
  const path = set ?? (directories === null ? undefined : join(directories.stateDir, 'gossip/keyring.json'));
  if (path === undefined) return undefined;
  const found = await stat(path).catch((error: unknown) => errorCode(error));
  if (typeof found !== 'object' || (found.mode & 0o077) === 0) return undefined;
  const mode = (found.mode & 0o777).toString(8).padStart(4, '0');
  return {
    summary: `others can read the keyring ${path} (mode ${mode}): the next start refuses it`,
    fix: `chmod 600 ${path}`,
  };
}

/** Asks all members; undefined where the control plane is away or takes no part. */
async function equalKeys({ settings, signal }: Patient): Promise<Finding | undefined> {
  const { api_url: url, token_file } = settings.values;
  try {
    const client = createClient({ url, token: tokenFile(token_file) });
    return judgeKeys((await client.call('listKeys', { signal, timeoutMs: ANSWER_MS_MAX })).data);
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

function judgeKeys({ sealing, held, members, succeeded }: KeyStep): Finding {
  const derivation = [`${succeeded} of ${members} told their keys; sealing: ${JSON.stringify(sealing)}`];
  const differ = Object.keys(sealing).length > 1 || Object.values(held).some((count) => count < succeeded);
  if (!differ) return fine('all hold the same keys', derivation);
  return warning('members hold different keys: a change of keys was not finished', {
    fix: 'ktrdr-agent keys rotate',
    derivation,
  });
}
