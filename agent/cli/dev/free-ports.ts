/** Whether nobody listens on this port of loopback now. */
export function isFreePort(port: number): boolean {
  try {
    const listener = Bun.listen({ hostname: '127.0.0.1', port, socket: { data: () => undefined } });
    listener.stop(true);
    return true;
  } catch {
    return false;
  }
}

const PORTS_TRIED = 200;

/** Ports from `first` up that are free and were not given before; undefined when none of 200 is. */
export function portsFrom(first: number, taken: Iterable<number>): () => number | undefined {
  const given = new Set(taken);
  return () => {
    for (let port = first; port < first + PORTS_TRIED && port <= 65_535; port++) {
      if (given.has(port)) continue;
      given.add(port);
      if (isFreePort(port)) return port;
    }
    return undefined;
  };
}
