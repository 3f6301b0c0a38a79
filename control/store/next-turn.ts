/** Lets timers and sockets have their turn: a chain of promises that are always ready would not. */
export function nextTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}
