import { expect, test } from 'bun:test';
import { systemClock } from '#agent/kit/clock';
import { describeOnEachServer, freshDatabase } from '#test/support/database';
import { waitUntil } from '#test/support/wait-until';
import { listen, Notifier } from './listen';

describeOnEachServer('listen()', (server) => {
  test('hears what is notified on its channel, and nothing else', async () => {
    await using fresh = await freshDatabase(server);
    const heard: string[] = [];
    const on = (channel: string) =>
      listen(fresh.database, {
        channel,
        onNotify: () => void heard.push(channel),
        onListening: () => undefined,
      });
    await using _one = await on('one');
    await using _two = await on('two');
    await using notifier = new Notifier(fresh.database, systemClock);
    notifier.notify('two');
    notifier.notify('three');
    await waitUntil('the notification', () => heard.length > 0);
    expect(heard).toEqual(['two']);
  });

  test('listens again, and says so, after its connection was ended', async () => {
    await using fresh = await freshDatabase(server);
    let listening = 0;
    let heard = 0;
    await using _listener = await listen(fresh.database, {
      channel: 'work',
      onNotify: () => void heard++,
      onListening: () => void listening++,
    });
    expect(listening).toBe(1);
    await fresh.database.sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`;
    await waitUntil('LISTEN after the reconnect', () => listening === 2);
    await using notifier = new Notifier(fresh.database, systemClock);
    notifier.notify('work');
    await waitUntil('the notification', () => heard === 1);
  });

  test('hears nothing after it was disposed', async () => {
    await using fresh = await freshDatabase(server);
    const heard: string[] = [];
    const on = (channel: string) =>
      listen(fresh.database, {
        channel,
        onNotify: () => void heard.push(channel),
        onListening: () => undefined,
      });
    const ended = await on('ended');
    await using _other = await on('other');
    await ended[Symbol.asyncDispose]();
    await fresh.database.sql`select pg_notify('ended', '')`;
    await fresh.database.sql`select pg_notify('other', '')`;
    await waitUntil('the notification', () => heard.includes('other'));
    expect(heard).toEqual(['other']);
  });
});

describeOnEachServer('Notifier', (server) => {
  test('sends few notifications for many calls, and one after the last call', async () => {
    await using fresh = await freshDatabase(server);
    let heard = 0;
    let heardAfterLast = false;
    let isLast = false;
    await using _listener = await listen(fresh.database, {
      channel: 'work',
      onNotify: () => {
        heard++;
        heardAfterLast ||= isLast;
      },
      onListening: () => undefined,
    });
    const notifier = new Notifier(fresh.database, systemClock);
    const startMs = systemClock.bootMs();
    while (systemClock.bootMs() - startMs < 50) {
      notifier.notify('work');
      await Promise.resolve();
      await systemClock.sleep(0);
    }
    isLast = true;
    notifier.notify('work');
    await notifier[Symbol.asyncDispose]();
    await waitUntil('the last notification', () => heardAfterLast);
    const elapsedMs = systemClock.bootMs() - startMs;
    expect(heard).toBeLessThanOrEqual(elapsedMs / 5 + 2);
    notifier.notify('work');
  });
});
