import { z } from 'zod';
import { assert } from '#agent/kit/assert';
import { systemClock, type Clock } from '#agent/kit/clock';
import { Fault } from '#agent/kit/error';
import { systemRng, type Rng } from '#agent/kit/rng';
import { endpoints, type EndpointName } from '#agent/contract/endpoints';
import { faultOfAnswer, faultOfFailure } from './answer-fault';
import { streamEvents, type Connect, type EventOptions, type ServerEvent } from './events';
import { requestUrl, type CallBasics, type CallOptions, type Parameters, type Reply } from './request';
import { fixedToken, type TokenSource } from './token-file';

export interface ClientOptions {
  /** Such as http://127.0.0.1:8000, without /api/v1; a function is asked for each request. */
  url: string | (() => string);
  token: TokenSource | string;
  /** Of one request; default 30 s. */
  timeoutMs?: number;
  fetch?: FetchFunction;
  clock?: Clock;
  rng?: Rng;
}

export type FetchFunction = (url: string, init: BunFetchRequestInit) => Promise<Response>;

/** The control plane's API. Every refusal is the Fault it was there, every failure Fault(unavailable) or Fault(timeout). */
export interface Client {
  readonly url: string;
  /** Sends a request and returns the validated reply. */
  call<N extends EndpointName>(name: N, ...options: Options<N>): Promise<Reply<N>>;
  /** For media other than JSON: the answer with its body unread. Aborting the signal ends the body too. */
  open<N extends EndpointName>(name: N, ...options: Options<N>): Promise<Response>;
  /** Streams a body, such as an import, and returns the validated reply. */
  upload<N extends EndpointName>(name: N, options: CallOptions<N> & UploadOptions): Promise<Reply<N>>;
  /** Server-sent events, reconnecting with Last-Event-ID until the caller stops reading. */
  events<N extends EndpointName>(
    name: N,
    options: CallOptions<N> & EventOptions,
  ): AsyncGenerator<ServerEvent>;
}

export interface UploadOptions {
  upload: ReadableStream<Uint8Array> | Blob | Uint8Array<ArrayBuffer> | string;
}

/** Options may be left out altogether when nothing in them is required. */
type Options<N extends EndpointName> =
  {} extends CallOptions<N> ? [options?: CallOptions<N>] : [options: CallOptions<N>];

const TIMEOUT_MS = 30_000;
/** A control plane's longest JSON reply is far below; a foreign server's may not fill the memory. */
const REPLY_BYTES_MAX = 256 * 1024 * 1024;

export function createClient(options: ClientOptions): Client {
  const send = sender(options);
  const clock = options.clock ?? systemClock;
  const rng = options.rng ?? systemRng;
  return {
    get url() {
      return urlOf(options);
    },
    call: async (name, ...[given]) => await send(name, given ?? {}, (response) => readReply(name, response)),
    upload: async (name, given) => await send(name, given, (response) => readReply(name, response)),
    open: async (name, ...[given]) => await send(name, given ?? {}, (response) => response),
    events: (name, given) => {
      const connect: Connect = async (headers, signal) =>
        await send(name, { ...given, signal, headers }, (response) => response);
      return streamEvents(connect, { ...given, clock, rng });
    },
  };
}

/** Whether anybody answers there, without a token. Throws Fault(unavailable) or Fault(timeout) when nobody does. */
export async function reachControl(
  url: string,
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Promise<void> {
  const health = `${url.replace(/\/+$/, '')}/health`;
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  try {
    const response = await fetch(health, {
      signal: deadline,
      ...(isLoopback(health) ? { proxy: false } : {}),
    });
    await response.body?.cancel();
  } catch (cause) {
    signal.throwIfAborted();
    throw faultOfFailure(cause, { url: health, timeoutMs });
  }
}

function urlOf({ url }: ClientOptions): string {
  return typeof url === 'string' ? url : url();
}

interface AnyCall extends CallBasics, Partial<UploadOptions> {
  params?: Parameters | undefined;
  query?: Parameters | undefined;
  body?: unknown;
}

/** Sends a request, and passes a good answer to `read` within the same deadline. */
type Send = <T>(
  name: EndpointName,
  call: AnyCall,
  read: (response: Response) => T | Promise<T>,
) => Promise<T>;

function sender(options: ClientOptions): Send {
  const fetch = options.fetch ?? globalThis.fetch;
  const token = typeof options.token === 'string' ? fixedToken(options.token) : options.token;
  return async (name, call, read) => {
    call.signal?.throwIfAborted();
    const url = requestUrl(urlOf(options), name, call);
    const timeoutMs = call.timeoutMs ?? options.timeoutMs ?? TIMEOUT_MS;
    const init = requestInit(name, call, token);
    const deadline = startDeadline(timeoutMs);
    const signal =
      call.signal === undefined ? deadline.signal : AbortSignal.any([call.signal, deadline.signal]);
    try {
      // A proxy of the environment is never the way to this machine.
      const response = await fetch(url, {
        ...init,
        signal,
        redirect: 'manual',
        ...(isLoopback(url) ? { proxy: false } : {}),
      });
      if (response.ok) return await read(response);
      const fault = await faultOfAnswer(response, url);
      throw fault.code === 'unauthorized' ? refused(token, fault) : fault;
    } catch (cause) {
      if (call.signal?.aborted) throw call.signal.reason;
      throw cause instanceof Fault ? cause : faultOfFailure(cause, { url, timeoutMs });
    } finally {
      deadline.disarm();
    }
  };
}

function refused(token: TokenSource, fault: Fault): Fault {
  token.forget();
  const hint = `the token came from ${token.name}; token_file (KTRDR_TOKEN_FILE) names another file`;
  return new Fault('unauthorized', fault.message, {
    hint,
    ...(fault.details ? { details: fault.details } : {}),
  });
}

/** A timeout that can be called off: the body of a stream outlives the deadline of its headers. */
function startDeadline(timeoutMs: number): { signal: AbortSignal; disarm(): void } {
  const controller = new AbortController();
  const timer = AbortSignal.timeout(timeoutMs);
  const abort = (): void => controller.abort(timer.reason);
  timer.addEventListener('abort', abort, { once: true });
  return { signal: controller.signal, disarm: () => timer.removeEventListener('abort', abort) };
}

function requestInit(name: EndpointName, call: AnyCall, token: TokenSource): BunFetchRequestInit {
  const { method, permission, upload } = endpoints[name];
  const headers = new Headers({ accept: 'application/json', ...call.headers });
  if (permission !== 'open') headers.set('authorization', `Bearer ${token.read()}`);
  if (call.upload !== undefined) {
    assert(upload !== undefined, `${name} takes no upload`);
    headers.set('content-type', upload);
    return { method: method.toUpperCase(), headers, body: call.upload };
  }
  if (call.body === undefined) return { method: method.toUpperCase(), headers };
  headers.set('content-type', 'application/json');
  return { method: method.toUpperCase(), headers, body: JSON.stringify(call.body) };
}

async function readReply<N extends EndpointName>(name: N, response: Response): Promise<Reply<N>> {
  assert(endpoints[name].media === 'json', `${name} is not answered with JSON: use open()`);
  const parsed = endpoints[name].reply.safeParse(await readJson(response));
  // Sound: the schema that parsed is the one that the type is derived from.
  if (parsed.success) return parsed.data as Reply<N>;
  throw unusable(response, z.prettifyError(parsed.error).split('\n').slice(0, 4).join(' '));
}

async function readJson(response: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const body: AsyncIterable<Uint8Array> = response.body ?? new Blob().stream();
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > REPLY_BYTES_MAX) throw unusable(response, `it is larger than ${REPLY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw unusable(response, 'it is not JSON');
  }
}

function unusable(response: Response, why: string): Fault {
  const { origin, pathname } = new URL(response.url);
  return new Fault('environment', `Cannot use the answer of ${origin} to ${pathname}: ${why}`, {
    hint: 'correct api_url (KTRDR_API_URL), or run the same version of ktrdr-agent here and there',
  });
}

function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
