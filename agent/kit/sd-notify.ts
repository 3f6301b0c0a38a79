import { dlopen, ptr } from 'bun:ffi';

/** Tells systemd (`Type=notify`, `WatchdogSec=`) how this service is; does nothing under other parents. */
export interface ServiceNotifier {
  /** `READY=1`, `STOPPING=1`, `WATCHDOG=1`, `STATUS=…` (sd_notify(3)); false when nobody listens. */
  notify(state: string): boolean;
  /** Interval in which systemd expects `WATCHDOG=1`, halved as it recommends; undefined without one. */
  readonly watchdogMs: number | undefined;
}

export function serviceNotifier(
  environment: Readonly<Record<string, string | undefined>>,
  processId = process.pid,
): ServiceNotifier {
  const socketPath = environment['NOTIFY_SOCKET'];
  if (process.platform !== 'linux' || !socketPath) return { notify: () => false, watchdogMs: undefined };
  const watchdogUs = Number(environment['WATCHDOG_USEC']);
  const forUs = [undefined, '', String(processId)].includes(environment['WATCHDOG_PID']);
  return {
    notify: (state) => sendDatagram(socketPath, state),
    watchdogMs: forUs && watchdogUs > 0 ? watchdogUs / 2000 : undefined,
  };
}

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** sockaddr_un.sun_path holds 108 bytes, the final zero included (unix(7)). */
const SOCKET_PATH_BYTES_MAX = 107;

/** Neither node:dgram nor Bun speaks unix datagrams, hence libc. */
function sendDatagram(socketPath: string, message: string): boolean {
  const address = socketAddress(socketPath);
  if (address === undefined) return false;
  const c = libc();
  const fd = c.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bytes = Buffer.from(message);
  const flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  const sentBytes = c.sendto(fd, ptr(bytes), bytes.length, flags, ptr(address), address.length);
  c.close(fd);
  return Number(sentBytes) === bytes.length;
}

function socketAddress(socketPath: string): Buffer | undefined {
  const path = Buffer.from(socketPath);
  if (path.length > SOCKET_PATH_BYTES_MAX) return undefined;
  // A leading @ means the abstract namespace: a zero byte first, and none at the end.
  const abstract = path[0] === 0x40;
  if (abstract) path[0] = 0;
  const address = Buffer.alloc(2 + path.length + (abstract ? 0 : 1));
  address.writeUInt16LE(AF_UNIX, 0);
  path.copy(address, 2);
  return address;
}

let opened: ReturnType<typeof openLibc> | undefined;
function libc(): ReturnType<typeof openLibc>['symbols'] {
  opened ??= openLibc();
  return opened.symbols;
}

function openLibc() {
  return dlopen('libc.so.6', {
    socket: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
    sendto: { args: ['i32', 'ptr', 'u64', 'i32', 'ptr', 'u32'], returns: 'i64' },
    close: { args: ['i32'], returns: 'i32' },
  });
}
