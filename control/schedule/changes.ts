/** Tells listeners that an operation or a node may have changed: a hint to look again, never the news itself. */
export type Change =
  | { type: 'operation'; id: string; parentId: string | null }
  | { type: 'worker'; id: string };

export class Changes {
  readonly #listeners = new Set<(change: Change) => void>();

  emit(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }

  /** Returns the function that ends the subscription. The listener must not throw. */
  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }
}
