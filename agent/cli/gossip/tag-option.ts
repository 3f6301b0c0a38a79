import { Fault } from '#agent/kit/error';

/** Collects `--tag gpu=h200 --tag role=worker`. */
export function collectTag(text: string, previous: string[] = []): string[] {
  if (/^[^=]+=./.test(text)) return [...previous, text];
  throw new Fault('bad_request', `Cannot read --tag ${text}: it is not name=expression`, {
    hint: 'such as --tag gpu=h200; names are role, gpu, cores, ib, version, id',
  });
}

/** As a query has them; of two with one name the later holds. */
export function tagsOf(given: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
  );
}
