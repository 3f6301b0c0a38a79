import { API_PREFIX } from '#agent/contract/endpoint';
import type { z } from 'zod';
import { AssertionError } from '#agent/kit/assert';
import { endpoints, type EndpointName, type Endpoints } from '#agent/contract/endpoints';

/** What a caller gives for one endpoint; `params`, `query` and `body` may be left out where nothing in them is required. */
export type CallOptions<N extends EndpointName> = CallBasics &
  Part<'params', Given<Endpoints[N]['params']>> &
  Part<'query', Given<Endpoints[N]['query']>> &
  Body<z.input<Endpoints[N]['body']>>;

export interface CallBasics {
  signal?: AbortSignal | undefined;
  /** Until the reply is read whole; for streams, until its headers. Default: that of the client. */
  timeoutMs?: number;
  headers?: Record<string, string>;
}

export type Reply<N extends EndpointName> = z.output<Endpoints[N]['reply']>;

/** Keys and their optionality as a caller may write them, values as the server sees them: numbers, booleans. */
type Given<Schema extends z.ZodObject> = {
  [K in keyof z.input<Schema>]: K extends keyof z.output<Schema> ? z.output<Schema>[K] : never;
};
type Part<Name extends string, Value> = {} extends Value
  ? { [K in Name]?: Partial<Undefinable<Value>> }
  : { [K in Name]: Undefinable<Value> };
type Undefinable<Value> = { [K in keyof Value]: Value[K] | UndefinedIfOptional<Value, K> };
type UndefinedIfOptional<Value, K extends keyof Value> = {} extends Pick<Value, K> ? undefined : never;
type Body<Value> = [Value] extends [undefined] ? { body?: undefined } : { body: Value };

/** The parts of a request as data, before anything is sent. */
export interface RequestParts {
  params?: Parameters | undefined;
  query?: Parameters | undefined;
}
export type Parameters = Readonly<Record<string, unknown>>;

/** `http://host:8000` and an endpoint with its parameters filled in; undefined query values are left out. */
export function requestUrl(
  base: string,
  name: EndpointName,
  { params = {}, query = {} }: RequestParts,
): string {
  const path = endpoints[name].path.replaceAll(/\{(\w+)\}/g, (_, key: string) =>
    encodeURIComponent(written(params[key])),
  );
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) search.append(key, written(one));
  }
  const suffix = search.size === 0 ? '' : `?${search.toString()}`;
  return `${base.replace(/\/+$/, '')}${API_PREFIX}${path}${suffix}`;
}

function written(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return `${value}`;
  throw new AssertionError(`only a scalar fits into a URL, not ${typeof value}`);
}
