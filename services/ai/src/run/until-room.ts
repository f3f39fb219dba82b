/** Also ends when the run is stopped: a cancel must not wait for a store that is full or away. */
export const untilRoom = (room: Promise<void>, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const finish = (): void => {
      signal.removeEventListener('abort', finish);
      resolve();
    };
    signal.addEventListener('abort', finish, { once: true });
    if (signal.aborted) finish();
    void room.then(finish);
  });
