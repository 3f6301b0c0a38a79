import { OpenAPIHono, z } from '@hono/zod-openapi';
import { ZodUndefined, ZodUnknown } from 'zod';
import { endpoints, type EndpointName } from '#agent/contract/endpoints';
import { API_PREFIX, type Endpoint } from '#agent/contract/endpoint';
import { problemSchema } from '#agent/contract/problem';
import { buildInfo } from '#agent/kit/build-info';

type AnyEndpoint = Endpoint<z.ZodObject, z.ZodObject, z.ZodType, z.ZodType>;
type Document = ReturnType<OpenAPIHono['getOpenAPI31Document']>;

let document: Document | undefined;

/** The OpenAPI 3.1 document, made from the endpoint table once. */
export function openApiDocument(): Document {
  document ??= build();
  return document;
}

function build(): Document {
  const app = new OpenAPIHono();
  const problem = z.object(problemSchema.shape).openapi('Problem');
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  for (const name of Object.keys(endpoints).toSorted() as EndpointName[]) {
    const row: AnyEndpoint = endpoints[name];
    app.openAPIRegistry.registerPath({
      method: row.method,
      path: API_PREFIX + row.path,
      operationId: name,
      tags: [row.tag],
      summary: row.summary,
      ...(row.permission === 'open' ? {} : { security: [{ token: [] }] }),
      request: { params: row.params, query: row.query, ...requestBody(row) },
      responses: {
        200: { description: 'What was asked for', content: replyContent(row) },
        default: {
          description: 'Why not, with a hint: problem details (RFC 9457)',
          content: { 'application/problem+json': { schema: problem } },
        },
      },
    });
  }
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'ktrdr-agent',
      version: buildInfo.version,
      description:
        'The control plane gives out work and never executes any: backtests and sweeps need at least one worker, ' +
        'and are refused with a reason for each agent when none could run them. Send the token of the token file ' +
        'as `Authorization: Bearer …`.',
    },
  });
}

function requestBody(row: AnyEndpoint) {
  if (row.upload !== undefined) {
    return { body: { content: { [row.upload]: { schema: z.string() } }, required: true } };
  }
  if (row.body instanceof ZodUndefined) return {};
  return { body: { content: { 'application/json': { schema: row.body } }, required: true } };
}

const MEDIA_TYPES = {
  json: 'application/json',
  sse: 'text/event-stream',
  arrow: 'application/vnd.apache.arrow.file',
  table: 'text/csv',
  text: 'text/plain',
} as const;

function replyContent(row: AnyEndpoint) {
  const schema = row.reply instanceof ZodUnknown ? z.string() : row.reply;
  return { [MEDIA_TYPES[row.media]]: { schema } };
}
