/** The cookies of one browser, and what it does with redirects: enough of one to sign in without a screen. */
export class Browser {
  /** By host and port, then by name. A browser's own rule is the host alone; here each server is a site of its own. */
  readonly #jars = new Map<string, Map<string, string>>();
  readonly visited: string[] = [];

  jar(url: string): Map<string, string> {
    const { origin } = new URL(url);
    const jar = this.#jars.get(origin) ?? new Map<string, string>();
    this.#jars.set(origin, jar);
    return jar;
  }

  cookiesFor(url: string): string {
    return [...this.jar(url)].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** Sign-ins that were begun here and not come back from: the names of their cookies. */
  begun(url: string): string[] {
    return [...this.jar(url).keys()].filter((name) => name.includes('sign_in'));
  }

  /** One request, without following. */
  async ask(
    url: string,
    { method = 'GET', headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ): Promise<Response> {
    this.visited.push(url);
    const cookie = this.cookiesFor(url);
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: { 'user-agent': 'A browser of the tests', ...(cookie !== '' && { cookie }), ...headers },
      ...(body !== undefined && { body }),
      signal: AbortSignal.timeout(60_000),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      const isOver = /max-age=0|expires=thu, 01 jan 1970/i.test(line);
      if (isOver) this.jar(url).delete(name!);
      else this.jar(url).set(name!, value!);
    }
    return response;
  }

  /** Follows redirects until `stop` likes the next address, or there is none: the last response and where it led. */
  async go(url: string, stop: (next: string) => boolean = () => false): Promise<{ response: Response; next: string | null; url: string }> {
    let at = url;
    for (let step = 0; step < 12; step++) {
      const response = await this.ask(at);
      const location = response.headers.get('location');
      if (location === null) return { response, next: null, url: at };
      const next = new URL(location, at).href;
      if (stop(next)) return { response, next, url: at };
      at = next;
    }
    throw new Error(`too many redirects: ${this.visited.slice(-4).join(' ')}`);
  }
}
