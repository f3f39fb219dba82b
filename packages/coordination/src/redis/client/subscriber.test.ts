import { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { RedisSubscriber } from './subscriber.ts';

const CHANNEL = 'chat:stream:{1}:c';

test('L-6 behind a hole in the channel no message comes before the word of the hole', async () => {
  let acknowledge = (): void => {};
  const connection = Object.assign(new EventEmitter(), {
    status: 'connecting',
    stream: new EventEmitter(),
    ssubscribe: () => new Promise<void>((resolve) => (acknowledge = resolve)),
    disconnect: () => {},
  });
  const connect = (): void => {
    connection.stream = new EventEmitter().on('data', () => {});
    connection.status = 'ready';
    connection.emit('connect');
    connection.emit('ready');
  };
  const publish = (text: string): boolean =>
    connection.stream.emit(
      'data',
      Buffer.from(`>3\r\n$8\r\nsmessage\r\n$${CHANNEL.length}\r\n${CHANNEL}\r\n$${text.length}\r\n${text}\r\n`),
    );
  const seen: string[] = [];
  const subscriber = new RedisSubscriber(connection as unknown as Redis, { moved() {}, error() {} });
  connect();
  const added = subscriber.add(CHANNEL, {
    message: (bytes) => void seen.push(bytes.toString()),
    interrupted: () => void seen.push('interrupted'),
    resubscribed: () => void seen.push('resubscribed'),
  });
  acknowledge();
  await added;
  publish('one');
  connection.emit('close');
  connect();
  // Redis serves the channel already; that it does is told when the last channel of the command is served.
  publish('two');
  acknowledge();
  await Promise.resolve();
  publish('three');
  expect(seen).toEqual(['one', 'interrupted', 'resubscribed', 'three']);
  subscriber.close();
});
