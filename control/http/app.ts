import { Hono, type Context } from 'hono';
import { z } from 'zod';
import { endpoints, type EndpointName } from '#agent/contract/endpoints';
import { API_PREFIX, type Permission } from '#agent/contract/endpoint';
import { Fault } from '#agent/kit/error';
import { checkLength, readJson } from './body';
import type { ControlContext } from './context';
import { docsRoutes } from './docs';
import { invalidInput, problemResponse } from './error-map';
import { guard, type GuardOptions } from './guard';
import { healthRoutes } from './health';
import type { HttpMetrics } from './http-metrics';
import type { Handlers, Input } from './route';
import { handlersOf } from './routes/registry';

export interface AppOptions extends GuardOptions {
  context: ControlContext;
  httpMetrics: HttpMetrics;
}

/** The HTTP application of the control plane: every row of the endpoint table, health, metrics, docs. */
export function createApp(options: AppOptions): Hono {
  const { context, httpMetrics } = options;
  const app = new Hono();
  app.onError((error, c) => problemResponse(error, { path: c.req.path, log: context.log }));
  app.notFound((c) =>
    problemResponse(
      new Fault('not_found', `Cannot ${c.req.method} ${c.req.path}: there is no such endpoint`, {
        hint: 'the endpoints are listed at /docs',
      }),
      { path: c.req.path, log: context.log },
    ),
  );
  app.use(async (c, next) => {
    // Pages without a token are for those who name this host, too.
    guard(c.req.raw, 'open', options);
    if (context.stopping.aborted) throw stoppingFault();
    const end = httpMetrics.start();
    await next();
    end({ method: c.req.method, status: c.res.status });
  });
  app.route('/', healthRoutes(context));
  app.route('/', docsRoutes());
  mountEndpoints(app, handlersOf(context), options);
  return app;
}

/** Somebody who keeps a connection would otherwise keep us, one request after the other. */
function stoppingFault(): Fault {
  return new Fault('unavailable', 'Cannot answer: the control plane is stopping', {
    hint: 'ask again when it runs again',
  });
}

function mountEndpoints(app: Hono, handlers: Handlers, options: AppOptions): void {
  for (const name of bySpecificity()) {
    const row = endpoints[name];
    const permission: Permission = row.permission;
    app.on(row.method.toUpperCase(), API_PREFIX + row.path.replaceAll(/\{(\w+)\}/g, ':$1'), async (c) => {
      guard(c.req.raw, permission, options);
      const input = await readInput(name, c);
      // The table pairs each handler with its own row, which TypeScript cannot follow through a loop.
      const handler: (input: never) => Promise<unknown> = handlers[name];
      const reply = await handler(input as never);
      if (reply instanceof Response) return reply;
      return c.json(reply as object);
    });
  }
}

/** Fixed paths before those with parameters, which would swallow them. */
function bySpecificity(): EndpointName[] {
  const parameters = (name: EndpointName): number => endpoints[name].path.split('{').length;
  return (Object.keys(endpoints) as EndpointName[]).toSorted((a, b) => parameters(a) - parameters(b));
}

async function readInput(name: EndpointName, c: Context): Promise<Input<(typeof endpoints)[EndpointName]>> {
  const row = endpoints[name];
  const request = c.req.raw;
  const params = parse(row.params, c.req.param(), 'the path');
  const query = parse(row.query.strict(), queryOf(c), 'the query');
  if (row.upload !== undefined) {
    checkLength(request, row.bodyBytesMax);
    return { params, query, body: undefined, request, signal: request.signal } as never;
  }
  const wantsBody = !(row.body instanceof z.ZodUndefined);
  const body = wantsBody ? parse(row.body, await readJson(request, row.bodyBytesMax), 'the body') : undefined;
  return { params, query, body, request, signal: request.signal } as never;
}

/** A parameter that is given several times is a list. */
function queryOf(c: Context): Record<string, string | string[]> {
  const given = Object.entries(c.req.queries());
  return Object.fromEntries(
    given.map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]),
  );
}

function parse(schema: z.ZodType, value: unknown, what: string): unknown {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw invalidInput(what, parsed.error);
  return parsed.data;
}
