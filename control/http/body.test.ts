import { expect, test } from 'bun:test';
import { limited, readJson } from './body';

type Body = string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;

function post(body: Body, headers: Record<string, string> = {}): Request {
  return new Request('http://127.0.0.1/', { method: 'POST', body, headers });
}

/** A body without a declared length, `chunks` times one MiB. */
function endless(chunks: number, read: { chunks: number }): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      if (read.chunks++ < chunks) controller.enqueue(new Uint8Array(2 ** 20));
      else controller.close();
    },
  });
}

test('readJson() reads JSON', async () => {
  expect(await readJson(post('{"a":[1,2]}'))).toEqual({ a: [1, 2] });
});

const refused: [string, Body, string, RegExp][] = [
  ['an empty body', '', 'bad_request', /it is empty/],
  ['no body', null, 'bad_request', /it is empty/],
  ['half of an object', '{"a":', 'bad_request', /not JSON/],
  ['bytes that are not text', new Uint8Array([0xff, 0xfe, 0x00]), 'bad_request', /not JSON/],
];
for (const [name, body, code, message] of refused) {
  test(`readJson() refuses ${name}`, async () => {
    await expect(readJson(post(body))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
}

test('readJson() refuses a body of 1 GB by its declared length, before reading it', async () => {
  const request = post('{}', { 'content-length': String(2 ** 30) });
  await expect(readJson(request)).rejects.toMatchObject({ code: 'too_large', status: 413 });
});

test('readJson() stops reading a body that does not say its length at the limit', async () => {
  const read = { chunks: 0 };
  await expect(readJson(post(endless(1024, read)))).rejects.toMatchObject({ code: 'too_large' });
  expect(read.chunks).toBeLessThan(16);
});

test('limited() hands a body on in pieces', async () => {
  const read = { chunks: 0 };
  let bytes = 0;
  for await (const chunk of limited(post(endless(3, read)), 2 ** 22)) bytes += chunk.byteLength;
  expect(bytes).toBe(3 * 2 ** 20);
});
