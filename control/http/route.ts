import type { z } from 'zod';
import type { EndpointName, Endpoints } from '#agent/contract/endpoints';

/** What a handler gets: everything is validated by the endpoint's row. */
export interface Input<E extends Endpoints[EndpointName]> {
  params: z.output<E['params']>;
  query: z.output<E['query']>;
  body: z.output<E['body']>;
  /** The raw request: for uploads and for its headers. */
  request: Request;
  /** Aborts when the client goes away. */
  signal: AbortSignal;
}

/** JSON endpoints answer their reply; the others a Response. Faults are thrown. */
export type Handler<E extends Endpoints[EndpointName]> = (
  input: Input<E>,
) => Promise<z.input<E['reply']> | Response>;

/** One handler for every endpoint of the contract: a forgotten one does not compile. */
export type Handlers = { [K in EndpointName]: Handler<Endpoints[K]> };
