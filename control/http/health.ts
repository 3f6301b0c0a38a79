import { Hono } from 'hono';
import type { z } from 'zod';
import type { controlHealthSchema } from '#agent/contract/fleet';
import { placementNodes } from '#control/schedule/fleet';
import type { ControlContext } from './context';

/** `/health` and `/metrics`, without a token: probes and Prometheus ask for them. */
export function healthRoutes(context: ControlContext): Hono {
  const app = new Hono();
  app.get('/health', async (c) => {
    const health = await controlHealth(context);
    return c.json(health, health.healthy ? 200 : 503);
  });
  app.get('/metrics', async (c) => {
    const text = await context.metrics.metrics();
    return c.body(text, 200, { 'content-type': context.metrics.contentType });
  });
  return app;
}

async function controlHealth(context: ControlContext): Promise<z.infer<typeof controlHealthSchema>> {
  const answer = {
    service: 'ktrdr-agent-control' as const,
    timestamp: new Date(context.clock.nowMs()).toISOString(),
    version: context.build.version,
  };
  try {
    const nodes = await placementNodes(context.database.sql, context.times);
    const usable = nodes.filter(
      (node) => node.verdict.state === 'ready' || node.verdict.state === 'degraded',
    );
    return { healthy: true, ...answer, database: 'ok', workers_available: usable.length };
  } catch {
    // The answer itself says what is wrong; the cause is in the log of the store.
    return { healthy: false, ...answer, database: 'down', workers_available: 0 };
  }
}
