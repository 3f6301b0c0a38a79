import { z } from 'zod';

const bytes = z.int().nonnegative();
const text = z.string().max(500);
const path = z.string().max(4096);

export const virtualisationCapabilitySchema = z.strictObject({
  /** What the node itself is; a container on a virtual machine is a container. */
  kind: z.enum(['bare', 'container', 'vm', 'wsl']),
  /** lxc, docker, podman, systemd-nspawn, …; null outside containers. */
  container: z.string().max(60).nullable(),
  /** kvm, vmware, hyperv, apple, …; null on bare metal, and where a container cannot tell. */
  hypervisor: z.string().max(60).nullable(),
  /** Id of the LXC container, on Proxmox its VMID, such as 101. */
  lxcId: z.string().max(120).nullable(),
  /** Name of the Proxmox host, where it can be known. */
  proxmoxHost: z.string().max(253).nullable(),
  /**
   * What all containers of one kernel, and that machine itself, share until its next start: nodes with
   * equal ids stand on one machine. Virtual machines have kernels of their own, and so ids of their own.
   */
  hostId: z.string().max(64).nullable(),
});
export type VirtualisationCapability = z.infer<typeof virtualisationCapabilitySchema>;

export const networkInterfaceSchema = z.strictObject({
  name: z.string().max(64),
  /** Null where it has none. */
  mac: z.string().max(64).nullable(),
  addresses: z
    .array(
      z.strictObject({
        address: z.string().max(64),
        family: z.union([z.literal(4), z.literal(6)]),
        prefixLength: z.int().min(0).max(128),
      }),
    )
    .max(64),
  /** Why others are never told an address of it, such as "bridge of docker"; null when they may be. */
  ignored: text.nullable(),
});
export type NetworkInterface = z.infer<typeof networkInterfaceSchema>;

export const networkCapabilitySchema = z.strictObject({
  interfaces: z.array(networkInterfaceSchema).max(256),
});
export type NetworkCapability = z.infer<typeof networkCapabilitySchema>;

/** A TCP connection to the API of Interactive Brokers' TWS or Gateway came about. */
export const ibCapabilitySchema = z.strictObject({
  host: z.string().max(253),
  port: z.int().min(1).max(65_535),
  connectMs: z.number().nonnegative(),
});
export type IbCapability = z.infer<typeof ibCapabilitySchema>;

export const shareCapabilitySchema = z.strictObject({
  path,
  /** Type of its filesystem, such as nfs4, and what is mounted, such as nas:/ktrdr. */
  filesystem: z.string().max(60),
  source: text,
  /** How others can see it: over the network, as a mount of a disk, or not at all, a plain directory. */
  mount: z.enum(['network', 'disk', 'directory']),
  /** Identity of the share, made by the first node that saw it: equal ids are the same directory. Null: none yet. */
  shareId: z.string().max(64).nullable(),
  writable: z.boolean(),
  /** To write, fsync and read back one block; null when it cannot be written. */
  roundTripMs: z.number().nonnegative().nullable(),
  totalBytes: bytes,
  availableBytes: bytes,
  /** Other nodes that left a mark on the share of late, by node id. */
  seenNodes: z.array(z.string().max(64)).max(256),
});
export type ShareCapability = z.infer<typeof shareCapabilitySchema>;

export const softwareItemSchema = z.strictObject({
  /** onnxruntime, tfjs-node, python, or the name of a custom command. */
  name: z.string().max(60),
  version: z.string().max(120),
  path: path.nullable(),
  /** What it offers here, such as execution providers. */
  features: z.array(z.string().max(120)).max(32),
});
export type SoftwareItem = z.infer<typeof softwareItemSchema>;

export const softwareCapabilitySchema = z.strictObject({ items: z.array(softwareItemSchema).max(64) });
export type SoftwareCapability = z.infer<typeof softwareCapabilitySchema>;
