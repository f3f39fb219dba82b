import type { Redis } from 'ioredis';

/**
 * Commands of one turn of the event loop leave in one write. A thousand runs that append in the same millisecond would else be a
 * thousand system calls here, and nearly as many reads in Redis. Nothing waits longer than the turn that is running anyway.
 */
export const batchWrites = (redis: Redis): Redis =>
  redis.on('connect', () => {
    const { stream } = redis;
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    let corked = false;
    stream.write = (...args: unknown[]): boolean => {
      if (!corked) {
        corked = true;
        stream.cork();
        setImmediate(() => {
          corked = false;
          stream.uncork();
        });
      }
      return write(...args);
    };
  });
