/** So many different messages are remembered: what varies more is not the same one again. */
const MOST = 50;

/** Whether a message is worth a line now: the same one again only after `everyMs`, however often it is met. */
export const createLogThrottle = (everyMs: number, now = (): number => performance.now()): ((message: string) => boolean) => {
  const saidAt = new Map<string, number>();
  return (message) => {
    const last = saidAt.get(message);
    if (last !== undefined && now() - last < everyMs) return false;
    saidAt.delete(message);
    saidAt.set(message, now());
    if (saidAt.size > MOST) saidAt.delete(saidAt.keys().next().value!);
    return true;
  };
};
