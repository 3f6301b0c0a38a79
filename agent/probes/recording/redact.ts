import { basename } from 'node:path';
import type { NetworkInterfaceInfo } from 'node:os';

/** What identifies a machine and its owner beyond what can be recognised by its form. */
export interface Identity {
  hostname: string;
  userName: string;
  homeDirectory: string;
  /** Names of other machines that settings mention. */
  servers: string[];
  /** Directory of this machine → what stands for it in the recording. */
  directories: Record<string, string>;
}

/**
 * Replaces what identifies by stand-ins: the same original has the same stand-in in one recording, so
 * that relations survive. Numbers of the hardware, names of files, devices, control groups and
 * interfaces, private IPv4 addresses and versions stay: they are what a bug report is about.
 */
export class Redactor {
  readonly #identity: Identity;
  readonly #standIns = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  readonly #addresses: string[];

  constructor(identity: Identity, interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>) {
    this.#identity = identity;
    const addresses = Object.values(interfaces).flatMap((infos) => infos ?? []);
    this.#addresses = [...new Set(addresses.map((info) => info.address))].filter(identifies);
  }

  /** A path, or any text whose form is not known. */
  text(original: string): string {
    const { directories, homeDirectory, hostname, userName, servers } = this.#identity;
    let text = original;
    for (const [directory, standIn] of byLength(Object.entries(directories))) {
      // "/" and "/x" stand for too much to be replaced within a text.
      if (directory.length > 4) text = text.replaceAll(directory, standIn);
      else if (text === directory) text = standIn;
    }
    if (homeDirectory.length > 1 && homeDirectory !== '/root')
      text = text.replaceAll(homeDirectory, USER_HOME);
    text = text.replaceAll(/\/(home|Users)\/[^/\s:"']+/g, '/$1/user');
    for (const server of servers) text = replaceWord(text, server, this.#standIn('server', server));
    text = replaceWord(text, hostname, 'node');
    text = replaceWord(text, hostname.split('.', 1)[0] ?? '', 'node');
    text = replaceWord(text, userName, 'user');
    for (const address of this.#addresses) {
      const whole = new RegExp(`(?<![\\w:.])${RegExp.escape(address)}(?![\\w:])`, 'g');
      text = text.replaceAll(whole, this.address(address));
    }
    text = text.replaceAll(MAC, (mac) => this.mac(mac));
    text = text.replaceAll(UUID, (uuid) => this.#digits('uuid', uuid));
    text = text.replaceAll(LONG_ID, (id) => this.#digits('id', id));
    text = text.replaceAll(SERIAL_LINE, '$1redacted');
    return text.replaceAll(SERIAL_JSON, '$1redacted');
  }

  /** A file's text, by what the file is known to hold. */
  file(path: string, text: string): string {
    if (path.endsWith('/environ')) return keepVariables(text);
    if (path.endsWith('/mountinfo')) return this.#mountinfo(text);
    if (/^\/(etc|proc\/sys\/kernel)\/hostname$/.test(path)) return 'node\n';
    // Disks and cards are told apart by these, so that each needs a stand-in of its own.
    if (/serial|uuid|unique_id|asset_tag|wwid|wwn/.test(basename(path)) && text.trim() !== '')
      return `${this.#standIn('serial', text.trim())}\n`;
    return this.text(text);
  }

  mac(original: string): string {
    if (/^(00:)+00$|^(ff:)+ff$/i.test(original)) return original;
    // Locally administered, so that it is nobody's.
    const octets = original.split(':').length;
    const number = this.#number('mac', original.toLowerCase()).toString(16).padStart(4, '0');
    const zeros = Array.from({ length: octets - 3 }, () => '00');
    return ['02', ...zeros, number.slice(0, 2), number.slice(2, 4)].join(':');
  }

  /** Documentation addresses (RFC 5737, RFC 3849) for public ones; the scope of others is kept. */
  address(original: string): string {
    if (!identifies(original)) return original;
    const number = this.#number('address', original);
    if (!original.includes(':')) return `203.0.113.${number % 256}`;
    const [network] = /^(?:fe[89ab]|f[cd])/i.exec(original) ?? [];
    if (network === undefined) return `2001:db8::${number.toString(16)}`;
    return `${network.length === 3 ? 'fe80' : 'fd00'}::${number.toString(16)}`;
  }

  interfaces(original: NodeJS.Dict<NetworkInterfaceInfo[]>): NodeJS.Dict<NetworkInterfaceInfo[]> {
    const redact = (info: NetworkInterfaceInfo): NetworkInterfaceInfo => {
      const address = this.address(info.address);
      const prefix = info.cidr?.split('/')[1];
      const cidr = prefix === undefined ? null : `${address}/${prefix}`;
      return { ...info, address, mac: this.mac(info.mac), cidr };
    };
    return Object.fromEntries(Object.entries(original).map(([name, infos]) => [name, infos?.map(redact)]));
  }

  /**
   * Mounts over the system's own directories, of control groups and of the network; what else is mounted
   * is the owner's business. Servers of network filesystems get stand-ins; options, which may hold user
   * names, are kept for control groups alone.
   */
  #mountinfo(text: string): string {
    const targets = Object.keys(this.#identity.directories);
    const lines = text.split('\n').flatMap((line) => {
      const [before = '', after] = line.split(' - ', 2);
      const [type = '', source = '', options = ''] = after?.split(' ') ?? [];
      const mountPoint = before.split(' ')[4];
      if (mountPoint === undefined) return [];
      const isSystem = mountPoint === '/' || SYSTEM_DIRECTORY.test(mountPoint);
      if (!isSystem && !MOUNTS_KEPT.has(type) && !targets.some((path) => isWithin(path, mountPoint)))
        return [];
      const [, windows, unix] = NETWORK_SOURCE.exec(source) ?? [];
      const server = windows ?? unix;
      const from = server === undefined ? source : source.replace(server, this.#standIn('server', server));
      return [`${before} - ${type} ${from} ${type.startsWith('cgroup') ? options : 'rw'}`];
    });
    return this.text(`${lines.join('\n')}\n`);
  }

  #standIn(kind: string, original: string): string {
    return `${kind}-${this.#number(kind, original)}`;
  }

  /** As long as the original, and hyphens in their places. */
  #digits(kind: string, original: string): string {
    const digits = String(this.#number(kind, original)).padStart(
      original.replaceAll(/[-_]/g, '').length,
      '0',
    );
    let at = 0;
    return original.replaceAll(/[0-9a-f]/gi, () => digits[at++] ?? '0');
  }

  #number(kind: string, original: string): number {
    const known = this.#standIns.get(`${kind} ${original}`);
    if (known !== undefined) return Number(known);
    const number = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, number);
    this.#standIns.set(`${kind} ${original}`, String(number));
    return number;
  }
}

const USER_HOME = '/home/user';
const MAC = /\b[0-9a-f]{2}(?::[0-9a-f]{2}){5,19}\b/gi;
const UUID = /\b[0-9a-f]{8}([-_])[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}\b/gi;
/** Machine ids, boot ids, container ids. The longest figure of the kernel, 2^64, has 20 digits. */
const LONG_ID = /\b[0-9a-f]{24,128}\b/gi;
const SERIAL_LINE = /^([\w ()\t]*serial[\w ()\t]*:[ \t]*)\S.*$/gim;
const SERIAL_JSON = /("[^"\n]*serial[^"\n]*"\s*:\s*")[^"\n]*/gi;
const SYSTEM_DIRECTORY = /^\/(?:dev|etc|lib|lib32|lib64|proc|sys|usr|run\/systemd)(?:\/|$)/;
/** "nas:/share", "[2001:db8::1]:/share", "//nas/share". */
const NETWORK_SOURCE = /^(?:\/\/([^/]+)\/|([^/:]+|\[[^\]]+\]):\/)/;
const MOUNTS_KEPT = new Set([
  'cgroup',
  'cgroup2',
  'fuse.lxcfs',
  'nfs',
  'nfs4',
  'cifs',
  'smb3',
  '9p',
  'virtiofs',
]);
/** Of an environment, what says in which kind of container it is. */
const VARIABLES_KEPT = new Set(['container', 'container_ttys', 'WSL_DISTRO_NAME', 'WSL_INTEROP']);
/** Host and user names that say nothing, and whose replacement would break paths and words of the kernel. */
const PLAIN_NAMES = new Set(
  `agent amd class container cpu debian dev docker etc fedora gpu home host intel ktrdr ktrdr-agent kvm
   kubepods linux localhost lxc machine memory module net node nvidia podman proc process proxmox pve root
   self server sys system ubuntu user worker`.split(/\s+/),
);

function keepVariables(text: string): string {
  const kept = text.split('\0').filter((line) => VARIABLES_KEPT.has(line.split('=', 1)[0] ?? ''));
  return kept.map((line) => `${line}\0`).join('');
}

/** Loopback and private IPv4 addresses are everybody's; an IPv6 address often holds the MAC address. */
function identifies(address: string): boolean {
  if (address.includes(':')) return address !== '::1' && address !== '::';
  return !/^(0|10|127|169\.254|192\.168|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./.test(
    address,
  );
}

function replaceWord(text: string, word: string, standIn: string): string {
  if (word.length < 3 || PLAIN_NAMES.has(word.toLowerCase())) return text;
  return text.replaceAll(new RegExp(`(?<![\\w-])${RegExp.escape(word)}(?![\\w-])`, 'g'), standIn);
}

function byLength<T>(entries: Array<[string, T]>): Array<[string, T]> {
  return entries.toSorted(([a], [b]) => b.length - a.length);
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}
