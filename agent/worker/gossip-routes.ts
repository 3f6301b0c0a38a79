import { Hono } from 'hono';
import { z } from 'zod';
import type { FleetGossip } from '#agent/contract/gossip';
import { gossipEndpoints, tagFilters } from '#agent/contract/gossip-endpoints';
import { Fault } from '#agent/kit/error';

/** What an agent tells of the fleet by itself, as the control plane does, for when that is away. */
export function gossipRoutes(gossip: () => FleetGossip | undefined): Hono {
  const app = new Hono();
  const running = (): FleetGossip => gossip() ?? switchedOff();
  app.get('/gossip', (context) => context.json({ success: true, data: running().state() }));
  app.get('/gossip/members', (context) => {
    const { tag, status } = context.req.queries();
    const given = {
      ...(tag === undefined ? {} : { tag }),
      ...(status === undefined ? {} : { status: status[0] }),
    };
    const parsed = gossipEndpoints.listMembers.query.safeParse(given);
    if (!parsed.success)
      throw new Fault('invalid', `Cannot read the query: ${z.prettifyError(parsed.error)}`);
    const data = running().members({ tags: tagFilters(parsed.data.tag ?? []), status: parsed.data.status });
    const active = data.filter((member) => member.status === 'alive' || member.status === 'suspect');
    return context.json({ success: true, data, total_count: data.length, active_count: active.length });
  });
  return app;
}

function switchedOff(): never {
  throw new Fault('conflict', 'Cannot ask the fleet: gossip is switched off on this agent', {
    hint: 'set gossip: true (KTRDR_GOSSIP=true) there and restart it',
  });
}
