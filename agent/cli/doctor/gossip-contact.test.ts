import { expect, test } from 'bun:test';
import { gossipSilence } from './gossip-contact';

const join = (failure: string | null) => [{ address: '192.168.1.100:7946', failure }];

test.each([
  [
    'label',
    { refused: { label: 3 }, joins: join('it closed the connection without an answer') },
    /another label$/,
  ],
  ['keyring', { refused: { undecryptable: 1 }, joins: [] }, /another keyring$/],
  [
    'refused by it',
    { refused: {}, joins: join('it closed the connection without an answer') },
    /another keyring, or/,
  ],
  ['closed port', { refused: {}, joins: join('no end after 10 s') }, /its port is closed/],
  [
    'refused port',
    { refused: {}, joins: join('connect ECONNREFUSED 192.168.1.100:7946') },
    /its port is closed/,
  ],
  ['nothing yet', { refused: { malformed: 2 }, joins: join(null) }, /^no answer yet/],
])('silence with %s', (_name, seen, expected) => {
  const { summary, fix } = gossipSilence(seen);
  expect(summary).toMatch(expected);
  expect(fix).toMatch(/7946|keyring|label/);
});
