import type { Capabilities, Load } from '#agent/contract/capability';
import type { Heartbeat, Registration } from '#agent/contract/worker';
import { json, type Sql } from './sql';

export interface NodeRow {
  nodeId: string;
  name: string;
  label: string | null;
  publicKey: string;
  instance: string;
  endpointUrl: string;
  version: string;
  commit: string;
  slots: number;
  freeSlots: number;
  capabilities: Capabilities;
  load: Load | null;
  registeredAt: string;
  heartbeatAt: string;
  /** By the database's clock, like everything that is compared. */
  heartbeatAgeMs: number;
  stoppedAgeMs: number | null;
  drainingReason: string | null;
  drainingSince: string | null;
  drainingBy: string | null;
  drainingAgeMs: number | null;
  lastGrantedAt: string | null;
  /** The attempts it holds, oldest first. */
  leases: { operationId: string; epoch: number }[];
}

/**
 * Writes the node, new or returning. A returning node keeps its history and its leases. An instance that
 * said goodbye never returns: what comes of it later was on its way before. A forgotten node that does
 * return is there again, with all that was known of it.
 */
export async function upsertNode(sql: Sql, node: Registration): Promise<void> {
  await sql`
    insert into node (node_id, name, label, public_key, instance, endpoint_url, version, commit, slots, capabilities)
    values (${node.worker_id}, ${node.name}, ${node.label}, ${node.public_key}, ${node.instance},
            ${node.endpoint_url}, ${node.version}, ${node.commit}, ${node.slots}, ${json(sql, node.capabilities)})
    on conflict (node_id) do update set
      name = excluded.name, label = excluded.label, instance = excluded.instance,
      endpoint_url = excluded.endpoint_url, version = excluded.version, commit = excluded.commit,
      slots = excluded.slots, capabilities = excluded.capabilities, heartbeat_at = now(),
      stopped_at = case when node.instance = excluded.instance then node.stopped_at end,
      forgotten_at = case when node.instance = excluded.instance and node.stopped_at is not null
                          then node.forgotten_at end`;
}

/** False when the node is not known under this instance: it has to register first. */
export async function recordHeartbeat(sql: Sql, nodeId: string, beat: Heartbeat): Promise<boolean> {
  const rows = await sql`
    update node set heartbeat_at = now(), slots = ${beat.slots}, free_slots = ${beat.free_slots},
                    capabilities = ${json(sql, beat.capabilities)}, load = ${json(sql, beat.load)}
    where node_id = ${nodeId} and instance = ${beat.instance} and forgotten_at is null
    returning node_id`;
  return rows.length === 1;
}

/** A goodbye. Grants that never arrived go back at once; what it still runs keeps its lease. */
export async function markStopped(sql: Sql, nodeId: string, instance: string): Promise<boolean> {
  const rows = await sql`
    update node set stopped_at = now() where node_id = ${nodeId} and instance = ${instance} returning node_id`;
  if (rows.length === 0) return false;
  await sql`
    update lease set until = least(until, now()) where node_id = ${nodeId} and acknowledged_at is null`;
  return true;
}

/**
 * From here on the node is granted nothing: a grant locks the node's row as this does. A drain that
 * goes on keeps its time. False when the node is not known.
 */
export async function drainNode(
  sql: Sql,
  nodeId: string,
  { reason, by }: { reason: string; by: string | null },
): Promise<boolean> {
  const rows = await sql`
    update node set draining_reason = ${reason}, draining_by = ${by},
                    draining_since = coalesce(draining_since, now())
    where node_id = ${nodeId} returning node_id`;
  return rows.length === 1;
}

/** False when the node is not known; one that does not drain stays as it is. */
export async function undrainNode(sql: Sql, nodeId: string): Promise<boolean> {
  const rows = await sql`
    update node set draining_reason = null, draining_by = null, draining_since = null
    where node_id = ${nodeId} returning node_id`;
  return rows.length === 1;
}

/**
 * Leaves the node out of everything but the history of its attempts, until it registers again. The caller
 * has locked it and judged that it is gone. Its name; undefined when there never was such a node.
 */
export async function forgetNode(sql: Sql, nodeId: string): Promise<string | undefined> {
  const [row] = await sql<{ name: string }[]>`
    update node set forgotten_at = coalesce(forgotten_at, now()) where node_id = ${nodeId} returning name`;
  return row?.name;
}

/**
 * Makes heartbeats and polls of one node take turns: both lock the node first, then what it holds, and
 * so never wait for each other.
 */
export async function lockNode(sql: Sql, nodeId: string): Promise<void> {
  await sql`select 1 from node where node_id = ${nodeId} for no key update`;
}

export async function listNodes(sql: Sql): Promise<NodeRow[]> {
  return await sql<
    NodeRow[]
  >`${selectNode(sql)} where forgotten_at is null order by name, node_id limit 20000`;
}

/** Undefined also for a node that was forgotten. */
export async function findNode(sql: Sql, nodeId: string): Promise<NodeRow | undefined> {
  const [row] = await sql<NodeRow[]>`${selectNode(sql)} where node_id = ${nodeId} and forgotten_at is null`;
  return row;
}

function selectNode(sql: Sql) {
  return sql`
    select node_id, name, label, public_key, instance, endpoint_url, version, commit, slots, free_slots,
           capabilities, load, registered_at, heartbeat_at, draining_reason, draining_since, draining_by,
           last_granted_at,
           extract(epoch from now() - heartbeat_at)::float8 * 1000 as heartbeat_age_ms,
           extract(epoch from now() - stopped_at)::float8 * 1000 as stopped_age_ms,
           extract(epoch from now() - draining_since)::float8 * 1000 as draining_age_ms,
           coalesce((select jsonb_agg(jsonb_build_object('operationId', l.operation_id, 'epoch', l.epoch)
                                      order by l.granted_at)
                     from lease l where l.node_id = node.node_id), '[]') as leases
    from node`;
}
