import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createClient } from '#agent/client/client';
import { tokenFile, type TokenSource } from '#agent/client/token-file';
import type { Registry } from 'prom-client';
import { gpusOf, summarizeCapabilities } from '#agent/contract/capability';
import type { WorkerHealth } from '#agent/contract/fleet';
import { buildInfo } from '#agent/kit/build-info';
import type { Clock } from '#agent/kit/clock';
import { writeFault } from '#agent/kit/durable-file';
import { Fault } from '#agent/kit/error';
import type { Log } from '#agent/kit/log';
import { createMetrics } from '#agent/kit/metrics';
import type { Rng } from '#agent/kit/rng';
import { systemHost } from '#agent/probes/host';
import { readLoad } from '#agent/probes/load';
import { allProbes } from '#agent/probes/registry';
import { ProbeLoop } from '#agent/probes/run';
import { AttemptSupervisor, type Supervisor } from '#agent/worker/attempts/supervisor';
import { BarsCache } from '#agent/worker/bars-cache';
import type { ControlApi } from '#agent/worker/control-api';
import { createClockWatch } from '#agent/worker/clock-watch';
import { controlApi } from '#agent/worker/control-client';
import { ControlLocator } from '#agent/worker/control-locator';
import { findEndpoint } from '#agent/worker/endpoint-address';
import { EndpointWatch } from '#agent/worker/endpoint-watch';
import { gpuMetrics } from '#agent/worker/gpu-metrics';
import { heldOperation } from '#agent/worker/held-operation';
import { httpDelivery } from '#agent/worker/http-delivery';
import { lockStateDir, openIdentity, readMachineId, type NodeIdentity } from '#agent/worker/identity';
import { ownProgram } from '#agent/kit/own-program';
import { liveSlots, type LiveSlots } from '#agent/worker/live-slots';
import { Reachability } from '#agent/worker/reachability';
import { WorkerLink } from '#agent/worker/worker-link';
import { workerMetrics, type WorkerMetrics } from '#agent/worker/worker-metrics';
import { serveWorker, type WorkerServer } from '#agent/worker/worker-server';
import { hashBarsFile } from './bars-hash';
import type { NodeGossip } from './gossip/node-gossip';
import { startWorkerGossip } from './gossip/worker-gossip';
import { requireLoopbackOrInsecure } from './listen-address';
import { explicitUrl, ownEndpoint } from './own-endpoint';
import { probeTargets } from './probe-targets';
import type { LoadedSettings } from './settings';

/** A running agent. Disposing it leaves running work to its shims; `leave` gives it back first. */
export interface WorkerAgent extends AsyncDisposable {
  readonly workerId: string;
  readonly name: string;
  readonly port: number;
  /** Stops claiming, gives all work back, says goodbye; takes at most LEAVE_MS + GOODBYE_MS. */
  leave(): Promise<void>;
}

/** Starts the agent: identity, probes, its HTTP, then the link. Needs no control plane to be there yet. */
export async function startWorker(settings: LoadedSettings, parts: RoleParts): Promise<WorkerAgent> {
  await using stack = new AsyncDisposableStack();
  const node = await openNode(settings, parts, stack);
  const server = stack.use(listen(node));
  await joinFleet(node, stack);
  const { link, supervisor } = await startWork(node, server.port, stack);
  parts.log.info('agent ready', {
    worker: node.identity.name,
    worker_id: node.identity.workerId,
    slots: node.slots.allowed(),
    port: server.port,
    held: supervisor.held().length,
    version: buildInfo.version,
  });
  const owned = stack.move();
  return {
    workerId: node.identity.workerId,
    name: node.identity.name,
    port: server.port,
    leave: () => leave(node, link, supervisor),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export interface RoleParts {
  log: Log;
  clock: Clock;
  rng: Rng;
}

/** What the stages of the start share. */
interface Node extends RoleParts {
  readonly settings: LoadedSettings;
  readonly hostname: string;
  readonly identity: NodeIdentity;
  readonly probes: ProbeLoop;
  readonly slots: LiveSlots;
  readonly token: TokenSource;
  readonly api: ControlApi;
  readonly reachability: Reachability;
  readonly registry: Registry;
  readonly metrics: WorkerMetrics;
  /** Undefined until it runs, and where it is switched off. */
  gossip: NodeGossip | undefined;
  /** Undefined until the last stage: what is served before has nothing to show. */
  link: WorkerLink | undefined;
}

async function openNode(
  settings: LoadedSettings,
  parts: RoleParts,
  stack: AsyncDisposableStack,
): Promise<Node> {
  const { values } = settings;
  const { log, clock } = parts;
  requireLoopbackOrInsecure('worker_host', values.worker_host, values.insecure);
  requireWayToControl(settings);
  stack.use(lockStateDir(values.state_dir));
  // The disk probe looks at it, also before there is anything to keep.
  await makeCacheDirectory(values.cache_dir);
  const host = hostname();
  const machineId = readMachineId();
  const nowMs = clock.nowMs();
  const identity = openIdentity({ stateDir: values.state_dir, hostname: host, machineId, nowMs, log });
  const probes = await ProbeLoop.start({
    probes: allProbes(probeTargets(values, identity.workerId)),
    host: systemHost,
    clock,
    log,
  });
  stack.use(probes);
  const slots = liveSlots({
    ...parts,
    capabilities: () => probes.current(),
    rule: { slots: values.slots, memoryPerSlotBytes: values.memory_per_slot },
    held: () => node.link?.held().length ?? 0,
  });
  const locator = new ControlLocator({
    configured: isLeftToGossip(settings) ? undefined : values.api_url,
    discovered: () => node.gossip?.fleet.controlUrls() ?? [],
    clock,
    log,
  });
  const token = tokenFile(values.token_file, (message) => log.warn(message));
  const api = controlApi(createClient({ url: () => locator.url(), token }));
  const reachability = new Reachability({
    url: () => locator.describe(),
    onUnreachable: () => locator.unreachable(),
    tokenFile: values.token_file,
    clock,
    log,
  });
  const registry = createMetrics();
  const metrics = workerMetrics(registry, {
    slots: () => slots.allowed(),
    freeSlots: () => node.link?.freeSlots() ?? slots.allowed(),
    active: () => node.link?.held().length ?? 0,
    reachable: () => reachability.reason === null,
  });
  gpuMetrics(registry, () => gpusOf(probes.current()));
  const node: Node = {
    ...parts,
    settings,
    hostname: host,
    identity,
    probes,
    slots,
    token,
    api,
    reachability,
    registry,
    metrics,
    gossip: undefined,
    link: undefined,
  };
  return node;
}

/** After its own HTTP, whose errors say best what is wrong with the address that both listen on. */
async function joinFleet(node: Node, stack: AsyncDisposableStack): Promise<void> {
  const gossip = await startWorkerGossip(node.settings, {
    ...node,
    capabilities: () => node.probes.current(),
  });
  if (gossip !== undefined) node.gossip = stack.use(gossip);
}

function listen(node: Node): WorkerServer {
  const { values } = node.settings;
  const worker = { id: node.identity.workerId, name: node.identity.name };
  return serveWorker({
    host: values.worker_host,
    port: values.worker_port,
    allowedHosts: [node.hostname, ...values.allowed_hosts, ...hostOf(explicitUrl(node.settings)?.url)],
    metrics: node.registry,
    token: () => readToken(node.token),
    operations: () => (node.link?.held() ?? []).map((key) => heldOperation(key, worker)),
    health: () => workerHealth(node),
    gossip: () => node.gossip?.api,
  });
}

async function startWork(
  node: Node,
  port: number,
  stack: AsyncDisposableStack,
): Promise<{ link: WorkerLink; supervisor: Supervisor }> {
  const { identity, api, slots, settings } = node;
  const { values, origins } = settings;
  const delivery = httpDelivery({ ...node, workerId: identity.workerId });
  const supervisor = await AttemptSupervisor.open({
    ...node,
    slots: () => slots.allowed(),
    runtimeDir: values.runtime_dir,
    worker: { id: identity.workerId, name: identity.name },
    delivery,
    environment: process.env,
    program: ownProgram(process.execPath, process.argv[1]),
    // A device that fell off the bus mostly shows first as a job that failed.
    onFailed: () => node.probes.lookAgain('nvidia'),
    shim: { idle_ms: values.job_idle },
  });
  stack.use(supervisor);
  const bars = new BarsCache({
    ...node,
    directory: join(values.cache_dir, 'bars'),
    hashFile: hashBarsFile,
    inUse: () => node.link?.barsInUse() ?? new Set(),
  });
  stack.use(bars);
  const { clock, log } = node;
  const clockWatch = createClockWatch(
    // performance.now() is CLOCK_MONOTONIC, which a sleep stops.
    { bootMs: () => clock.bootMs(), monotonicMs: () => performance.now(), wallMs: () => clock.nowMs() },
    log,
  );
  const link = WorkerLink.start({
    ...node,
    api,
    slots: () => slots.reported(),
    label: values.worker_id ?? null,
    endpoint: stack.use(await watchEndpoint(node, port)),
    attempts: supervisor,
    delivery,
    fetchBars: (hash, signal) => bars.fetch(hash, signal),
    capabilities: () => slots.capabilities(),
    onGossipSeeds: (seeds) => void node.gossip?.join(seeds),
    load: async () => ({ ...(await readLoad(systemHost)), disturbance: clockWatch.look() }),
    heartbeatMs: origins.heartbeat.from === 'default' ? undefined : values.heartbeat,
  });
  node.link = stack.use(link);
  return { link, supervisor };
}

/** Found anew whenever the address may have changed; the interfaces are those of the latest look. */
function watchEndpoint(node: Node, workerPort: number): Promise<EndpointWatch> {
  const find = () => {
    const parts = {
      hostname: node.hostname,
      workerPort,
      capabilities: node.probes.current(),
      apiUrl: node.reachability.url,
    };
    return findEndpoint(ownEndpoint(node.settings, parts));
  };
  return EndpointWatch.start({ find, clock: node.clock, log: node.log });
}

/** As long as the supervisor takes at most; the units give 25 s in all. */
const LEAVE_MS = 20_000;
const GOODBYE_MS = 2_000;

async function leave(node: Node, link: WorkerLink, supervisor: Supervisor): Promise<void> {
  await link.stopClaiming();
  const over = new AbortController();
  void node.clock.sleep(LEAVE_MS, over.signal).then(() => over.abort());
  // Heartbeats go on meanwhile: the leases of what is given back must not run out.
  await Promise.all([
    link.releaseUnstarted(over.signal),
    supervisor.close({ release: true }),
    node.gossip?.leave(),
  ]);
  over.abort();
  const undelivered = link.held().length;
  if (undelivered > 0)
    node.log.warn('not all work could be given back; the next start does', { undelivered });
  await link.sayGoodbye(GOODBYE_MS);
}

async function makeCacheDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o755 });
  } catch (cause) {
    throw writeFault(path, cause);
  }
}

/** Nobody said where the control plane is; one of the same process is where its settings say. */
function isLeftToGossip({ values, origins }: LoadedSettings): boolean {
  return origins.api_url.from === 'default' && !values.role.includes('control');
}

function requireWayToControl(settings: LoadedSettings): void {
  const { gossip, gossip_join, gossip_broadcast } = settings.values;
  if (!isLeftToGossip(settings) || (gossip && (gossip_join.length > 0 || gossip_broadcast))) return;
  throw new Fault('settings', 'Cannot find the control plane: neither api_url nor gossip_join is set', {
    hint: 'set api_url (KTRDR_API_URL), such as http://192.168.1.100:8000, or gossip_join (KTRDR_GOSSIP_JOIN) to any machine of the fleet; http://127.0.0.1:8000 is one on this machine',
  });
}

function readToken(token: TokenSource): string | undefined {
  try {
    return token.read();
  } catch {
    return undefined;
  }
}

function hostOf(url: string | undefined): string[] {
  return url === undefined ? [] : [new URL(url).hostname];
}

function workerHealth({ identity, probes, reachability, clock, link }: Node): WorkerHealth {
  const held = link?.held() ?? [];
  const { reason } = reachability;
  return {
    healthy: true,
    service: 'ktrdr-agent-worker',
    timestamp: new Date(clock.nowMs()).toISOString(),
    worker_id: identity.workerId,
    worker_status: held.length > 0 ? 'busy' : 'idle',
    current_operation: held[0]?.operation_id ?? null,
    active_operations_count: held.length,
    control_plane: { url: reachability.url, reachable: reason === null, reason },
    gpu_available: summarizeCapabilities(probes.current()).gpu,
    ib_available: probes.current().ib?.state === 'present',
    version: buildInfo.version,
  };
}
