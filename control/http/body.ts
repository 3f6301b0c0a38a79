import { BODY_BYTES_MAX } from '#agent/contract/endpoint';
import { Fault } from '#agent/kit/error';

/** Refuses a body that says it is too large before a byte of it is read. */
export function checkLength(request: Request, bytesMax = BODY_BYTES_MAX): void {
  const length = Number(request.headers.get('content-length') ?? 0);
  if (length > bytesMax) throw tooLarge(bytesMax);
}

/** The body as JSON, never more than the limit of it in memory. */
export async function readJson(request: Request, bytesMax = BODY_BYTES_MAX): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of limited(request, bytesMax)) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
  }
  if (bytes === 0)
    throw new Fault('bad_request', 'Cannot read the body: it is empty', { hint: 'send a JSON object' });
  const text = new TextDecoder().decode(Buffer.concat(chunks));
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'it is malformed';
    throw new Fault('bad_request', `Cannot read the body: it is not JSON (${why})`, {
      hint: 'send a JSON object',
    });
  }
}

/** The body as a stream that ends with a Fault when it grows past the limit. */
export async function* limited(request: Request, bytesMax: number): AsyncGenerator<Uint8Array, void> {
  checkLength(request, bytesMax);
  if (request.body === null) return;
  let bytes = 0;
  const stream: ReadableStream<Uint8Array> = request.body;
  for await (const chunk of stream) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    yield chunk;
  }
}

function tooLarge(bytesMax: number): Fault {
  return new Fault(
    'too_large',
    `Cannot read the body: it is larger than ${Math.round(bytesMax / 2 ** 20)} MiB`,
    {
      hint: 'split it, or import bars with POST /api/v1/data/import',
    },
  );
}
