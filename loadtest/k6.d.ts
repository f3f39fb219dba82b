/** What these scripts use of k6's own modules. */
declare module 'k6' {
  export function sleep(seconds: number): void;
}
declare module 'k6/http' {
  interface Answer {
    status: number;
    body: string | null;
    /** ms: to the first byte, and to the last. */
    timings: { waiting: number; duration: number };
    /** By their canonical names: `Upload-Offset`. */
    headers: Record<string, string>;
  }
  interface Params {
    headers: Record<string, string>;
    timeout: string;
  }
  const http: {
    get(url: string): Answer;
    post(url: string, body: string, params: Params): Answer;
    request(method: string, url: string, body: string | null, params: Params): Answer;
  };
  export default http;
}
declare module 'k6/crypto' {
  export function sha256(text: string, encoding: 'hex'): string;
}
declare module 'k6/metrics' {
  export class Trend {
    constructor(name: string, isTime?: boolean);
    add(value: number): void;
  }
  export class Rate {
    constructor(name: string);
    add(value: boolean): void;
  }
  export class Counter {
    constructor(name: string);
    add(value: number): void;
  }
}
declare module 'k6/websockets' {
  export class WebSocket {
    constructor(url: string);
    onopen: () => void;
    onmessage: (event: { data: unknown }) => void;
    onerror: () => void;
    onclose: () => void;
    send(data: string): void;
    close(): void;
  }
}
/** Number of the virtual user, from 1. */
declare const __VU: number;
/** Which call of the script it is for this user, from 0. */
declare const __ITER: number;
declare const __ENV: Record<string, string | undefined>;
