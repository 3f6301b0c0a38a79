import { Hono, type Context } from 'hono';
import type { z } from 'zod';
import type { AttemptKey, Grant, ResultReport } from '#agent/contract/lease';
import { claimRequestSchema, resultReportSchema } from '#agent/contract/lease';
import type { Heartbeat, HeartbeatReply, Registration } from '#agent/contract/worker';
import { heartbeatSchema, registrationSchema } from '#agent/contract/worker';

type Claim = z.infer<typeof claimRequestSchema>;

export const PEER_TOKEN = 'a-token-of-the-test-peer-0123456789';
export const PEER_HEARTBEAT_MS = 50;
export const PEER_LEASE_MS = 4_000;

/**
 * A control plane for tests of the agent's side: speaks the contract over real HTTP, keeps what it
 * hears in plain lists, and misbehaves on request. It decides nothing by itself.
 */
export class ControlPeer implements AsyncDisposable {
  readonly registrations: Registration[] = [];
  readonly heartbeats: Heartbeat[] = [];
  readonly claims: Claim[] = [];
  readonly results: { key: AttemptKey; report: ResultReport }[] = [];
  readonly stops: string[] = [];
  /** Grants for the next poll with a free slot; answered again to a repeated nonce. */
  grants: Grant[] = [];
  leaseState: (key: AttemptKey) => HeartbeatReply['leases'][number]['state'] = () => 'renewed';
  /** Answers a request in place of the peer; the path is below /api/v1. */
  intercept: (path: string) => Response | undefined = () => undefined;
  /** Answers for bars files by hash. */
  bars: (hash: string) => Response = () => problem('not_found', 404);
  /** Requests for bars files. */
  barsRequests = 0;
  registered: string | undefined;
  readonly #answered = new Map<string, Grant[]>();
  readonly #hostname: string;
  #server: Bun.Server<undefined>;

  constructor(port = 0, hostname = '127.0.0.1') {
    this.#hostname = hostname;
    this.#server = this.#listen(port);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  /** Goes away as a killed process does, and comes back on the same port. */
  async away(): Promise<{ back: () => void }> {
    const { port } = this.#server;
    await this.#server.stop(true);
    return {
      back: () => {
        this.#server = this.#listen(port ?? 0);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }

  #listen(port: number): Bun.Server<undefined> {
    const app = this.#app();
    return Bun.serve({
      hostname: this.#hostname,
      port,
      idleTimeout: 60,
      fetch: (request) => app.fetch(request),
    });
  }

  #app(): Hono {
    const app = new Hono().basePath('/api/v1');
    app.use(async (context, next) => {
      if (context.req.header('authorization') !== `Bearer ${PEER_TOKEN}`) return problem('unauthorized', 401);
      const instead = this.intercept(context.req.path.replace('/api/v1', ''));
      return instead ?? (await next());
    });
    app.post('/workers/register', async (context) => {
      const registration = registrationSchema.parse(await context.req.json());
      this.registrations.push(registration);
      this.registered = registration.instance;
      return ok({
        worker_id: registration.worker_id,
        heartbeat_ms: PEER_HEARTBEAT_MS,
        lease_ms: PEER_LEASE_MS,
      });
    });
    app.post('/workers/:id/heartbeat', (context) => this.#heartbeat(context));
    app.post('/workers/:id/claim', (context) => this.#claim(context));
    app.post('/workers/:id/stop', (context) => {
      const id = context.req.param('id');
      this.stops.push(id);
      return ok({ worker_id: id });
    });
    app.post('/operations/:id/attempts/:epoch/result', async (context) => {
      const key = { operation_id: context.req.param('id'), epoch: Number(context.req.param('epoch')) };
      this.results.push({ key, report: resultReportSchema.parse(await context.req.json()) });
      return ok({ accepted: true, duplicate: false });
    });
    app.get('/data/files/:hash', (context) => {
      this.barsRequests += 1;
      return this.bars(context.req.param('hash'));
    });
    return app;
  }

  async #heartbeat(context: Context): Promise<Response> {
    const heartbeat = heartbeatSchema.parse(await context.req.json());
    if (heartbeat.instance !== this.registered) return problem('not_found', 404);
    this.heartbeats.push(heartbeat);
    const leases = heartbeat.leases.map((key) => ({ ...key, state: this.leaseState(key) }));
    return ok({ heartbeat_ms: PEER_HEARTBEAT_MS, lease_ms: PEER_LEASE_MS, leases });
  }

  async #claim(context: Context): Promise<Response> {
    const claim = claimRequestSchema.parse(await context.req.json());
    if (claim.instance !== this.registered) return problem('not_found', 404);
    this.claims.push(claim);
    const deadlineMs = performance.now() + Math.min(claim.wait_ms, 2_000);
    while (performance.now() < deadlineMs && !context.req.raw.signal.aborted) {
      const earlier = this.#answered.get(claim.nonce);
      if (earlier !== undefined) return ok({ grants: earlier, cancel: [] });
      if (claim.free_slots > 0 && this.grants.length > 0) {
        const grants = this.grants.splice(0, claim.free_slots);
        this.#answered.set(claim.nonce, grants);
        return this.intercept(`/answer/${claim.nonce}`) ?? ok({ grants, cancel: [] });
      }
      await Bun.sleep(10);
    }
    return ok({ grants: [], cancel: [] });
  }
}

function ok(data: Record<string, unknown>): Response {
  return Response.json({ success: true, data });
}

/** A problem document as the control plane sends it. */
export function problem(code: string, status: number, headers: Record<string, string> = {}): Response {
  const body = {
    type: 'about:blank',
    title: code,
    status,
    detail: `Cannot do it: ${code}`,
    code,
    retryable: status >= 500,
    success: false,
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
  });
}
