import { WebSocket } from 'ws';

export interface People {
  leave(): void;
}

/** People who read one answer after the other, come back when their gateway goes, and never tire. */
export const invitePeople = (count: number, origins: readonly string[], prompt: string, model: string): People => {
  const timers = new Set<NodeJS.Timeout>();
  const sockets = new Set<WebSocket>();
  let left = false;
  const enter = (index: number, life: number): void => {
    const conversationId = `story-${index}`;
    const socket = new WebSocket(`${origins[(index + life) % origins.length]!.replace('http', 'ws')}/ws/chat?user_id=story`);
    sockets.add(socket);
    let asked = 0;
    const send = (frame: object): void => socket.send(JSON.stringify(frame));
    const ask = (): void =>
      send({ type: 'prompt', id: 'p', conversationId, messageId: `m-${index}-${life}-${asked++}`, model, text: prompt });
    socket.on('open', () => {
      send({ type: 'hello', protocol: 1 });
      send({ type: 'follow', id: 'f', conversationId });
    });
    socket.on('message', (data: Buffer) => {
      const { type, run } = JSON.parse(data.toString()) as { type: string; run?: unknown };
      if (type === 'run-ended' || (type === 'snapshot' && !run)) ask();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      if (left) return;
      const timer = setTimeout(
        () => {
          timers.delete(timer);
          enter(index, life + 1);
        },
        250 + Math.random() * 500,
      );
      timers.add(timer);
    });
  };
  for (let index = 0; index < count; index++) enter(index, 0);
  return {
    leave() {
      left = true;
      for (const timer of timers) clearTimeout(timer);
      for (const socket of sockets) socket.terminate();
    },
  };
};
