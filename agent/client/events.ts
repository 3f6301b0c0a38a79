import type { Clock } from '#agent/kit/clock';
import { Fault } from '#agent/kit/error';
import { backoffDelayMs } from '#agent/kit/retry';
import type { Rng } from '#agent/kit/rng';
import { createEventParser, type ServerEvent } from './event-parser';

export type { ServerEvent } from './event-parser';

export interface EventOptions {
  signal?: AbortSignal | undefined;
  lastEventId?: string;
  /** A connection that is silent for longer is broken: the server sends a comment at least every 15 s. Default 45 s. */
  silenceMsMax?: number;
  /** How long it keeps trying without a connection before the last fault is thrown; default 15 minutes. */
  outageMsMax?: number;
  /** Hears of each broken connection, and of undefined when one stands (again). */
  onConnection?: (fault: Fault | undefined) => void;
}

/** Opens the stream; `headers` name the last event seen. */
export type Connect = (headers: Record<string, string>, signal: AbortSignal) => Promise<Response>;

const SILENCE_MS_MAX = 45_000;
const OUTAGE_MS_MAX = 15 * 60_000;
const BACKOFF = { delayMsMin: 250, delayMsMax: 5_000 };

interface StreamOptions extends EventOptions {
  clock: Clock;
  rng: Rng;
}

/**
 * Events until the caller stops reading or the signal aborts, which ends it without an error. A lost
 * connection is opened again with Last-Event-ID. Throws the fault of a refusal that no retry changes
 * (unknown operation, wrong token), or of an outage longer than `outageMsMax`.
 */
export async function* streamEvents(connect: Connect, options: StreamOptions): AsyncGenerator<ServerEvent> {
  const { clock, signal } = options;
  let lastEventId = options.lastEventId;
  let aliveMs = clock.bootMs();
  for (let attempt = 0; ; attempt++) {
    if (signal?.aborted) return;
    try {
      const headers = {
        accept: 'text/event-stream',
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      };
      for await (const event of readEvents(connect, headers, options)) {
        attempt = 0;
        aliveMs = clock.bootMs();
        lastEventId = event.id ?? lastEventId;
        yield event;
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (!(error instanceof Fault) || !error.retryable) throw error;
      if (clock.bootMs() - aliveMs > (options.outageMsMax ?? OUTAGE_MS_MAX)) throw error;
      options.onConnection?.(error);
    }
    await clock.sleep(backoffDelayMs(BACKOFF, attempt, options.rng), signal);
  }
}

async function* readEvents(
  connect: Connect,
  headers: Record<string, string>,
  options: StreamOptions,
): AsyncGenerator<ServerEvent> {
  const connection = new AbortController();
  const signal =
    options.signal === undefined ? connection.signal : AbortSignal.any([options.signal, connection.signal]);
  try {
    const response = await connect(headers, signal);
    checkMedia(response);
    options.onConnection?.(undefined);
    const parser = createEventParser();
    const decoder = new TextDecoder();
    for await (const chunk of untilSilent(response, options)) {
      yield* parser.push(decoder.decode(chunk, { stream: true }));
    }
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault('unavailable', 'Cannot follow events: the connection broke', { cause });
  } finally {
    connection.abort();
  }
  // A server that restarts ends its streams in good order: for a reader that is an outage as well.
  throw new Fault('unavailable', 'Cannot follow events: the control plane ended the connection');
}

function checkMedia(response: Response): void {
  const media = response.headers.get('content-type') ?? 'nothing';
  if (media.startsWith('text/event-stream')) return;
  throw new Fault('environment', `Cannot follow events: the answer is ${media}, not a stream of events`, {
    hint: 'correct api_url (KTRDR_API_URL), or look at the proxy in between',
  });
}

async function* untilSilent(response: Response, options: StreamOptions): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  const silenceMs = options.silenceMsMax ?? SILENCE_MS_MAX;
  const reader = response.body.getReader();
  try {
    while (true) {
      const waiting = new AbortController();
      const silence = options.clock.sleep(silenceMs, waiting.signal).then(() => undefined);
      const next = await Promise.race([reader.read(), silence]);
      waiting.abort();
      if (next === undefined) {
        throw new Fault('unavailable', `Cannot follow events: nothing came for ${silenceMs / 1000} s`);
      }
      if (next.done) return;
      yield next.value;
    }
  } finally {
    // The connection is aborted by the caller; a reader with a read under way cannot be released.
    reader.cancel().catch(() => undefined);
  }
}
