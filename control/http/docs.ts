import { Hono } from 'hono';
// As files: as text they would be in the binary twice, in the program and in its byte code.
import bundlePath from 'swagger-ui-dist/swagger-ui-bundle.js' with { type: 'file' };
import stylePath from 'swagger-ui-dist/swagger-ui.css' with { type: 'file' };
import { openApiDocument } from './openapi';

/** The reference: Swagger UI, carried in the binary, over the OpenAPI document of the endpoint table. */
export function docsRoutes(): Hono {
  const app = new Hono();
  app.get('/api/v1/openapi.json', (c) => c.json(openApiDocument()));
  app.get('/docs', (c) => c.html(PAGE));
  app.get('/docs/swagger-ui.js', (c) =>
    c.body(Bun.file(bundlePath).stream(), 200, { 'content-type': 'text/javascript' }),
  );
  app.get('/docs/swagger-ui.css', (c) =>
    c.body(Bun.file(stylePath).stream(), 200, { 'content-type': 'text/css' }),
  );
  app.get('/docs/start.js', (c) => c.body(START, 200, { 'content-type': 'text/javascript' }));
  return app;
}

const START = `SwaggerUIBundle({ url: '/api/v1/openapi.json', dom_id: '#docs', deepLinking: true });`;

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>ktrdr-agent API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="/docs/swagger-ui.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;
