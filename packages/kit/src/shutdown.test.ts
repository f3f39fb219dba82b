import { expect, test } from 'vitest';
import { ConfigError } from './config.ts';
import { runService, type Closable, type ProcessHost, type ServiceOptions } from './shutdown.ts';
import { waitFor } from './wait.ts';

/** A process that notes what is done to it. */
function fakeProcess() {
  const listeners = new Map<string, (argument: unknown) => void>();
  const exits: number[] = [];
  const written: string[] = [];
  const host: ProcessHost = {
    on: (event, listener) => listeners.set(event, listener),
    exit: (code) => exits.push(code),
    stderr: { write: (text) => written.push(text) },
  };
  return { host, exits, written, emit: (event: string, argument?: unknown) => listeners.get(event)?.(argument) };
}

function run(start: ServiceOptions['start'], now?: () => number) {
  const process = fakeProcess();
  const done = runService({ name: 'test', host: process.host, start, ...(now && { now }) });
  return { ...process, done, exitCode: () => waitFor(() => process.exits.length > 0).then(() => process.exits[0]) };
}

const part = (name: string, log: string[]): Closable => ({ name, close: () => Promise.resolve().then(() => void log.push(name)) });
const never = () => new Promise<never>(() => undefined);

test('SIGTERM closes in reverse order, one after the other, and exits 0', async () => {
  const closed: string[] = [];
  const service = run(() => Promise.resolve(['redis', 'app', 'internal'].map((name) => part(name, closed))));
  await service.done;
  service.emit('SIGTERM');
  expect(await service.exitCode()).toBe(0);
  expect(closed).toEqual(['internal', 'app', 'redis']);
});

test('the same Ctrl-C delivered twice is one; a later one ends it at once', async () => {
  let clock = 0;
  const service = run(
    () => Promise.resolve([{ close: never }]),
    () => clock,
  );
  await service.done;
  service.emit('SIGINT');
  service.emit('SIGINT');
  expect(service.exits).toEqual([]);
  clock = 1000;
  service.emit('SIGINT');
  expect(service.exits).toEqual([130]);
});

test('a part that fails to close does not keep the others open, but the exit code tells', async () => {
  const closed: string[] = [];
  const broken: Closable = { name: 'broken', close: () => Promise.reject(new Error('no')) };
  const service = run(() => Promise.resolve([part('redis', closed), broken]));
  await service.done;
  service.emit('SIGTERM');
  expect(await service.exitCode()).toBe(1);
  expect(closed).toEqual(['redis']);
});

test('a shutdown that takes too long ends with 1', async () => {
  const service = run(() => Promise.resolve({ closables: [{ close: never }], shutdownMs: 5 }));
  await service.done;
  service.emit('SIGTERM');
  expect(await service.exitCode()).toBe(1);
});

test('a start that fails says one line and exits 1', async () => {
  const service = run(() => Promise.reject(new ConfigError(['PORT must be a whole number', 'HOST is odd'])));
  await service.done;
  expect(service.written).toEqual(['runnel test cannot start: bad configuration: PORT must be a whole number; HOST is odd\n']);
  expect(service.exits).toEqual([1]);
});

test('a mistake of the program at the start shows its stack', async () => {
  const service = run(() => {
    throw new TypeError('x is not a function');
  });
  await service.done;
  expect(service.written[0]).toBe('runnel test cannot start: x is not a function\n');
  expect(service.written[1]).toContain('shutdown.test.ts');
});

test('an uncaught error before the start is over is a failed start', async () => {
  const service = run(never);
  service.emit('uncaughtException', Object.assign(new Error(), { code: 'EADDRINUSE', address: '::', port: 1 }));
  expect(service.written).toEqual(['runnel test cannot start: port taken: :::1 is in use by another process\n']);
  expect(service.exits).toEqual([1]);
});

test('an uncaught error later closes everything and exits 1, also when a stop was under way', async () => {
  const closed: string[] = [];
  const service = run(() => Promise.resolve([part('redis', closed)]));
  await service.done;
  service.emit('SIGTERM');
  service.emit('unhandledRejection', new Error('lost'));
  expect(await service.exitCode()).toBe(1);
  expect(closed).toEqual(['redis']);
});

test('a signal during the start closes what was started', async () => {
  const closed: string[] = [];
  const connected = Promise.withResolvers<void>();
  const service = run(() => connected.promise.then(() => [part('redis', closed)]));
  service.emit('SIGTERM');
  connected.resolve();
  expect(await service.exitCode()).toBe(0);
  expect(closed).toEqual(['redis']);
});

test('a service can stop itself', async () => {
  const service = run((control) => {
    queueMicrotask(() => control.stop('consumer crashed', 3));
    return Promise.resolve([]);
  });
  expect(await service.exitCode()).toBe(3);
});
