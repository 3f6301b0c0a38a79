import { encodeSerf, type EventBody, type EventsAt, type UserEvent } from '#agent/gossip/wire/serf-messages';
import { broadcast, type SerfContext } from './context';
import { SerfRefusal } from './effects';
import { createSeenRing } from './seen-ring';

/** Named messages to everybody, each delivered at most once on each node. */
export interface Events {
  fire(event: { name: string; payload: Uint8Array; coalesce: boolean }): void;
  heard(event: UserEvent): void;
  /** What a push/pull tells of the recent ones. */
  recent(): EventsAt[];
  /** A node that joins does not want what happened before. */
  ignoreBefore(time: number): void;
}

export function createEvents(context: SerfContext): Events {
  const ring = createSeenRing<EventBody>(context.settings.ringLength, sameEvent);

  const take = (event: UserEvent): void => {
    const { event: clock } = context.clocks;
    clock.witness(event.LTime);
    const { Name, Payload, LTime } = event;
    if (!ring.add(LTime, { Name, Payload }, clock.now())) return;
    context.effects.push({
      kind: 'event',
      name: Name,
      payload: Payload,
      lamportTime: LTime,
      coalesce: event.CC,
    });
    broadcast(
      context,
      `event ${LTime} ${Name} ${Bun.hash.crc32(Payload)}`,
      encodeSerf({ kind: 'event', value: event }),
    );
  };

  return {
    fire({ name, payload, coalesce }) {
      const sizeBytes = Buffer.byteLength(name) + payload.length;
      const { eventBytesMax } = context.settings;
      if (sizeBytes > eventBytesMax) {
        throw new SerfRefusal(`its name and payload have ${sizeBytes} bytes, ${eventBytesMax} are allowed`);
      }
      take({ LTime: context.clocks.event.next(), Name: name, Payload: payload, CC: coalesce });
    },
    heard: take,
    recent: () => ring.entries().map(({ time, items }) => ({ LTime: time, Events: items })),
    ignoreBefore: (time) => ring.ignoreBefore(time),
  };
}

function sameEvent(a: EventBody, b: EventBody): boolean {
  return a.Name === b.Name && Buffer.compare(a.Payload, b.Payload) === 0;
}
