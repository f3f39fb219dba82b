import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

const echoThroughProxy = async (): Promise<{ proxy: TcpProxy; dial: () => Promise<Socket> }> => {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await startTcpProxy((server.address() as AddressInfo).port);
  onTestFinished(async () => {
    await proxy.close();
    server.close();
  });
  const dial = async (): Promise<Socket> => {
    const socket = connect(proxy.port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  };
  return { proxy, dial };
};
const say = async (socket: Socket, text: string): Promise<string> => {
  socket.write(text);
  return String((await once(socket, 'data'))[0]);
};

test('bytes pass, late when latency is set, in order', async () => {
  const { proxy, dial } = await echoThroughProxy();
  const socket = await dial();
  expect(await say(socket, 'one')).toBe('one');
  proxy.latencyMs = 20;
  const from = performance.now();
  expect(await say(socket, 'two')).toBe('two');
  expect(performance.now() - from).toBeGreaterThan(35);
  for (let i = 0; i < 20; i++) {
    proxy.latencyMs = i % 3;
    expect(await say(socket, `n${i}`)).toBe(`n${i}`);
  }
});

test('only subscribers fall silent when the black hole is for them', async () => {
  const { proxy, dial } = await echoThroughProxy();
  const [subscriber, other] = [await dial(), await dial()];
  await say(subscriber, 'ssubscribe x');
  proxy.blackHole = 'subscribers';
  let heard = '';
  subscriber.on('data', (bytes) => (heard += String(bytes)));
  subscriber.write('held');
  expect(await say(other, 'passes')).toBe('passes');
  expect(heard).toBe('');
  subscriber.write(' back');
  expect(await say(other, 'as well')).toBe('as well');
  proxy.blackHole = null;
  while (heard.length < 'held back'.length) await once(subscriber, 'data');
  expect(heard).toBe('held back');
  expect(proxy.cut('subscribers')).toBe(1);
  await once(subscriber, 'close');
  expect(await say(other, 'still')).toBe('still');
});
