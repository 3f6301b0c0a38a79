import type { z } from 'zod';

export const API_PREFIX = '/api/v1';

/** Who may call: `open` needs no token; the others need the token of the 0600 file (JWTs come later). */
export type Permission = 'open' | 'read' | 'run' | 'agent';

type Shape = z.ZodObject;

/** One row of the table that routes, the client, OpenAPI and the reference derive from. */
export interface Endpoint<P extends Shape, Q extends Shape, B extends z.ZodType, R extends z.ZodType> {
  method: 'get' | 'post' | 'delete';
  /** Below `/api/v1`, parameters in braces. */
  path: string;
  tag: string;
  summary: string;
  permission: Permission;
  params: P;
  query: Q;
  body: B;
  reply: R;
  /** `json` replies are parsed by `reply`; the others are handed over as they come. */
  media: 'json' | 'sse' | 'arrow' | 'table' | 'text';
  /** A body that is streamed instead of parsed, with its media type. */
  upload?: string;
  bodyBytesMax?: number;
}

/** Body limit of endpoints that do not state one. */
export const BODY_BYTES_MAX = 4 * 1024 * 1024;

type Partially<P extends Shape, Q extends Shape, B extends z.ZodType, R extends z.ZodType> = Omit<
  Endpoint<P, Q, B, R>,
  'media'
> & { media?: Endpoint<P, Q, B, R>['media'] };

export function endpoint<P extends Shape, Q extends Shape, B extends z.ZodType, R extends z.ZodType>(
  row: Partially<P, Q, B, R>,
): Endpoint<P, Q, B, R> {
  return { media: 'json', ...row };
}
