import type { ClientFrame, ClientFrameOf, ClientFrameType, ServerEvent } from '@runnel/protocol';
import type { OpenTransport, TransportListener } from '../src/transport/transport.ts';

/** One opened transport, seen from the server's side. */
export interface FakeLink {
  readonly sent: ClientFrame[];
  readonly closedByClient: boolean;
  listener: TransportListener;
  /** The last frame of a type; throws when none was sent. */
  last<K extends ClientFrameType>(type: K): ClientFrameOf<K>;
  all<K extends ClientFrameType>(type: K): ClientFrameOf<K>[];
  open(): void;
  welcome(userId?: string): void;
  event(event: ServerEvent): void;
  /** Answers the last frame of a type. */
  ok(type: ClientFrameType, fields?: object): void;
  error(type: ClientFrameType, fields: object): void;
  drop(code: number): void;
}

export interface FakeTransport {
  open: OpenTransport;
  links: FakeLink[];
  readonly link: FakeLink;
}

const createLink = (listener: TransportListener): FakeLink & { closedByClient: boolean } => {
  const sent: ClientFrame[] = [];
  const all = <K extends ClientFrameType>(type: K): ClientFrameOf<K>[] => sent.filter((f) => f.type === type) as ClientFrameOf<K>[];
  const last = <K extends ClientFrameType>(type: K): ClientFrameOf<K> => {
    const frame = all(type).at(-1);
    if (!frame) throw new Error(`no ${type} was sent; sent: ${sent.map((f) => f.type).join(' ')}`);
    return frame;
  };
  const echo = (type: ClientFrameType): object => {
    const { id } = last(type);
    return id === undefined ? {} : { id };
  };
  return {
    sent,
    closedByClient: false,
    listener,
    last,
    all,
    open: () => listener.open(),
    welcome: (userId = 'u1') =>
      listener.event({
        type: 'welcome',
        protocol: 1,
        node: 'gw-1',
        userId,
        heartbeatMs: 20_000,
        limits: { textChars: 5_000, frameBytes: 65_536, promptsPerMinute: 100 },
      }),
    event: (event) => listener.event(event),
    ok: (type, fields = {}) => listener.event({ type: 'ok', ...echo(type), ...fields }),
    error: (type, fields) => listener.event({ type: 'error', message: '', retryable: false, ...echo(type), ...fields } as ServerEvent),
    drop: (code) => listener.closed(code),
  };
};

/** A network that does what the test says: each opened transport is a `FakeLink`. */
export const createFakeTransport = (): FakeTransport => {
  const links: (FakeLink & { closedByClient: boolean })[] = [];
  return {
    links,
    get link() {
      const link = links.at(-1);
      if (!link) throw new Error('nothing was opened');
      return link;
    },
    open(listener) {
      const link = createLink(listener);
      links.push(link);
      return {
        send(frame) {
          link.sent.push(frame);
          return true;
        },
        close() {
          link.closedByClient = true;
        },
      };
    },
  };
};
