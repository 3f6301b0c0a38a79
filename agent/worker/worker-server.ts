import { timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';
import type { Registry } from 'prom-client';
import type { WorkerHealth } from '#agent/contract/fleet';
import type { FleetGossip } from '#agent/contract/gossip';
import { Fault, FAULTS, type FaultCode } from '#agent/kit/error';
import { listenFault } from '#agent/kit/listen-fault';
import type { Problem } from '#agent/contract/problem';
import { gossipRoutes } from './gossip-routes';
import type { HeldOperation } from './held-operation';

export interface WorkerServerOptions {
  host: string;
  /** 0 asks the system for a free one. */
  port: number;
  /** Names besides loopback and `host` that requests may carry in their Host header. */
  allowedHosts: readonly string[];
  health: () => WorkerHealth;
  operations: () => HeldOperation[];
  /** Undefined where gossip is switched off. */
  gossip: () => FleetGossip | undefined;
  metrics: Registry;
  /** The token of the API; undefined while there is none: then nobody is let in. */
  token: () => string | undefined;
}

export interface WorkerServer extends AsyncDisposable {
  readonly port: number;
}

/** The agent's own HTTP: for operators, monitoring and KTRDR's programs. Throws what listenFault() says. */
export function serveWorker(options: WorkerServerOptions): WorkerServer {
  const app = workerApp(options);
  try {
    const server = Bun.serve({
      hostname: options.host,
      port: options.port,
      // Nothing here is slow or large.
      idleTimeout: 30,
      maxRequestBodySize: 64 * 1024,
      fetch: (request) => app.fetch(request),
    });
    return { port: server.port ?? options.port, [Symbol.asyncDispose]: () => server.stop(true) };
  } catch (cause) {
    throw listenFault({ ...options, ...LISTEN_SETTINGS }, cause);
  }
}

const LISTEN_SETTINGS = {
  hostSetting: 'worker_host (WORKER_IP)',
  portSetting: 'worker_port (WORKER_PORT)',
};

export function workerApp(options: WorkerServerOptions): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    if (isAllowedHost(context.req.header('host'), options)) return await next();
    return problem(context.req.path, 'forbidden', 'Cannot answer: the Host header names another machine', {
      hint: 'add the name to allowed_hosts (KTRDR_ALLOWED_HOSTS) of this agent',
    });
  });
  app.get('/health', (context) => context.json(options.health()));
  app.get('/metrics', async (context) => {
    const text = await options.metrics.metrics();
    return context.body(text, 200, { 'content-type': options.metrics.contentType });
  });
  app.use('/api/*', async (context, next) => {
    if (isAuthorized(context.req.header('authorization'), options.token())) return await next();
    return problem(context.req.path, 'unauthorized', 'Cannot answer: the token is missing or wrong', {
      hint: "send `Authorization: Bearer` with the token of the control plane's token file",
    });
  });
  app.get('/api/v1/operations', (context) => {
    const data = options.operations();
    return context.json({ success: true, data, total_count: data.length, active_count: data.length });
  });
  app.get('/api/v1/operations/:id', (context) => {
    const id = context.req.param('id');
    const data = options.operations().find((operation) => operation.operation_id === id);
    if (data !== undefined) return context.json({ success: true, data });
    return problem(context.req.path, 'not_found', 'Cannot show the operation: this agent does not hold it', {
      hint: `\`ktrdr-agent show ${/^[\w]{1,80}$/.test(id) ? id : '<operation>'}\` asks the control plane`,
    });
  });
  app.route('/api/v1', gossipRoutes(options.gossip));
  app.onError((error, context) => {
    if (!(error instanceof Fault)) throw error;
    return problem(context.req.path, error.code, error.message, { hint: error.hint });
  });
  app.notFound((context) =>
    problem(context.req.path, 'not_found', 'Cannot answer: there is no such path on an agent', {
      hint: 'an agent has /health, /metrics, /api/v1/operations, /api/v1/gossip and /api/v1/gossip/members; the rest is on the control plane',
    }),
  );
  return app;
}

function problem(
  path: string,
  code: FaultCode,
  detail: string,
  { hint }: { hint: string | undefined },
): Response {
  const { status, retryable } = FAULTS[code];
  const body: Problem = {
    type: 'about:blank',
    title: code,
    status,
    detail,
    code,
    ...(hint === undefined ? {} : { hint }),
    retryable,
    instance: path.slice(0, 300),
    success: false,
  };
  const headers = { 'content-type': 'application/problem+json' };
  return new Response(JSON.stringify(body), { status, headers });
}

/** A page that made a browser resolve its own name to this address (DNS rebinding) still sends that name. */
function isAllowedHost(header: string | undefined, { host, allowedHosts }: WorkerServerOptions): boolean {
  if (header === undefined) return false;
  const name = header
    .replace(/:\d+$/, '')
    .replaceAll(/^\[|\]$/g, '')
    .toLowerCase();
  // An address is not a name that somebody else could point here.
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name) || name.includes(':')) return true;
  return ['localhost', host.toLowerCase(), ...allowedHosts.map((allowed) => allowed.toLowerCase())].includes(
    name,
  );
}

function isAuthorized(header: string | undefined, token: string | undefined): boolean {
  const given = /^Bearer (\S+)$/i.exec(header ?? '')?.[1];
  if (given === undefined || token === undefined) return false;
  const digest = (text: string): Buffer => Buffer.from(new Bun.CryptoHasher('sha256').update(text).digest());
  return timingSafeEqual(digest(given), digest(token));
}
