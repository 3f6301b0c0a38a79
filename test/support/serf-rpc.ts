import { MsgpackWriter } from '#agent/gossip/wire/msgpack';
import { inside, SERF_RPC_PORT } from './gossip-space';

/** A change of one member's tags, ready to be told. */
export interface TagChange extends AsyncDisposable {
  run(value: string): void;
}

/**
 * Over serf's RPC and not by its command, whose own start would count. The connection is made, and greeted,
 * beforehand; bash carries it into the namespace.
 */
export async function prepareSerfTag(space: string, host: string): Promise<TagChange> {
  const script = `exec 3<>/dev/tcp/${host}/${SERF_RPC_PORT}; cat <&3 & cat >&3; kill $!`;
  const pipe = Bun.spawn(inside(space, ['bash', '-c', script]), {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'ignore',
  });
  const write = (bytes: Uint8Array): void => {
    void pipe.stdin.write(bytes);
    void pipe.stdin.flush();
  };
  const answers = pipe.stdout.getReader();
  write(serfRequest('handshake', 0, (body) => mapOf(body, { Version: (to) => to.integer(1) })));
  await answers.read();
  return {
    run: (value) => write(serfRequest('tags', 1, (body) => writeTags(body, value))),
    async [Symbol.asyncDispose]() {
      await answers.cancel();
      await pipe.stdin.end();
      pipe.kill();
      await pipe.exited;
    },
  };
}

type Write = (to: MsgpackWriter) => void;

function serfRequest(command: string, sequence: number, body: Write): Uint8Array {
  const writer = new MsgpackWriter();
  mapOf(writer, { Command: (to) => to.text(command), Seq: (to) => to.integer(sequence) });
  body(writer);
  return writer.finish();
}

function writeTags(body: MsgpackWriter, value: string): void {
  mapOf(body, {
    Tags: (to) => mapOf(to, { bench: (tag) => tag.text(value) }),
    DeleteTags: (to) => to.nil(),
  });
}

function mapOf(writer: MsgpackWriter, fields: Readonly<Record<string, Write>>): void {
  writer.mapOf(Object.keys(fields).length);
  for (const [key, write] of Object.entries(fields)) {
    writer.text(key);
    write(writer);
  }
}
