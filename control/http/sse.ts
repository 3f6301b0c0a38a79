import type { Clock } from '#agent/kit/clock';
import type { Change, Changes } from '#control/schedule/changes';

/** One server-sent event, or a comment that only keeps the connection open. */
export type ServerSentEvent = { event: string; data: unknown } | 'keep-alive';

/**
 * A stream of server-sent events (WHATWG HTML, section 9.2). The source is read only as fast as the
 * client reads, so a slow reader holds one event and never a queue.
 */
export function eventStream(source: AsyncGenerator<ServerSentEvent, void>): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await source.next();
        if (next.done) controller.close();
        else controller.enqueue(encoder.encode(format(next.value)));
      },
      async cancel() {
        await source.return();
      },
    },
    { highWaterMark: 1 },
  );
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  });
}

export interface TickOptions {
  changes: Changes;
  clock: Clock;
  signal: AbortSignal;
  relevant: (change: Change) => boolean;
  /** Between two ticks at least, however much changes. */
  throttleMs: number;
  /** Between two ticks at most: hints of changes may be lost. */
  periodMs: number;
}

/** Ticks at once, after each burst of relevant changes, and once a period: a level to look at, not an edge. */
export async function* ticks(options: TickOptions): AsyncGenerator<void, void> {
  const { changes, clock, signal, relevant, throttleMs, periodMs } = options;
  let changed = new AbortController();
  const unsubscribe = changes.subscribe((change) => {
    if (relevant(change)) changed.abort();
  });
  try {
    while (!signal.aborted) {
      changed = new AbortController();
      yield;
      await clock.sleep(throttleMs, signal);
      if (!changed.signal.aborted)
        await clock.sleep(periodMs - throttleMs, AbortSignal.any([signal, changed.signal]));
    }
  } finally {
    unsubscribe();
  }
}

function format(event: ServerSentEvent): string {
  if (event === 'keep-alive') return ': keep-alive\n\n';
  return `event: ${event.event}\ndata: ${JSON.stringify(event.data)}\n\n`;
}
