import { expect, test } from 'bun:test';
import { guard } from './guard';

const options = { token: 't'.repeat(43), tokenFile: '/var/lib/ktrdr/token', hosts: ['control.lan'] };
const authorized = { authorization: `Bearer ${options.token}` };

function request(headers: Record<string, string>): Request {
  return new Request('http://127.0.0.1:8000/api/v1/status', {
    headers: { host: '127.0.0.1:8000', ...headers },
  });
}

test('guard() lets the token in, on loopback, on allowed hosts and by address', () => {
  guard(request(authorized), 'read', options);
  guard(request({ ...authorized, host: 'localhost:8000' }), 'run', options);
  guard(request({ ...authorized, host: '[::1]:8000' }), 'run', options);
  guard(request({ ...authorized, host: 'control.lan' }), 'run', options);
  guard(request({ ...authorized, host: '192.168.1.100:8000' }), 'run', options);
  guard(request({ ...authorized, host: '[fd00::1]:8000', origin: 'http://[fd00::1]:8000' }), 'run', options);
  guard(request({ ...authorized, origin: 'http://localhost:8000' }), 'run', options);
});

test('guard() lets open pages in without a token', () => {
  guard(request({}), 'open', options);
});

const refused: [string, Record<string, string>, string, RegExp][] = [
  ['no token', {}, 'unauthorized', /carries no token/],
  ['another token', { authorization: 'Bearer wrong' }, 'unauthorized', /not the one/],
  ['another scheme', { authorization: `Basic ${options.token}` }, 'unauthorized', /carries no token/],
  ['a foreign host', { ...authorized, host: 'evil.example:8000' }, 'forbidden', /evil\.example/],
  [
    'a host that only begins like ours',
    { ...authorized, host: '127.0.0.1.evil.example' },
    'forbidden',
    /evil/,
  ],
  [
    'an address as origin',
    { ...authorized, host: '192.168.1.100:8000', origin: 'http://192.168.1.7' },
    'forbidden',
    /origin/,
  ],
  ['a foreign origin', { ...authorized, origin: 'https://evil.example' }, 'forbidden', /origin/],
  ['an opaque origin', { ...authorized, origin: 'null' }, 'forbidden', /origin/],
];

for (const [name, headers, code, message] of refused) {
  test(`guard() refuses ${name}`, () => {
    expect(() => guard(request(headers), 'read', options)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
}

test('guard() checks the host of open pages too', () => {
  expect(() => guard(request({ host: 'evil.example' }), 'open', options)).toThrow(/evil\.example/);
});
