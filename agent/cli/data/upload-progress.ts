import { createRateMeter } from '#agent/cli/progress-bar';
import { bytes } from '#agent/cli/figures';
import type { Session } from '#agent/cli/session';

export interface UploadSource {
  stream: ReadableStream<Uint8Array>;
  /** In bytes; undefined for a pipe. */
  size: number | undefined;
}

/** Sends a stream and shows how much of it is gone; the line is cleared before anything else is printed. */
export async function uploadWithProgress<T>(
  { output, shell }: Session,
  { stream, size }: UploadSource,
  send: (upload: ReadableStream<Uint8Array>) => Promise<T>,
): Promise<T> {
  using line = output.progress();
  const meter = createRateMeter();
  let sent = 0;
  const counted = stream.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        controller.enqueue(chunk);
        sent += chunk.length;
        meter.sample(sent, shell.clock.bootMs());
        const { rate } = meter;
        const speed = rate === undefined ? '' : `, ${bytes(rate)}/s`;
        const whole = size === undefined ? '' : ` of ${bytes(size)}`;
        line.show({
          // Sent is not yet stored: the last percent is the control plane's.
          fraction: size === undefined || size === 0 ? undefined : Math.min(0.99, sent / size),
          etaMs:
            size === undefined || rate === undefined || rate === 0
              ? undefined
              : ((size - sent) / rate) * 1000,
          note: `${bytes(sent)}${whole}${speed}`,
        });
      },
    }),
  );
  return await send(counted);
}
