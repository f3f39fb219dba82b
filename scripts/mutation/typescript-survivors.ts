/** Mutants that may live, by the name that `nameOf` gives them, and why no test can or should notice them. */
export const REASONS: Readonly<Record<string, string>> = {
  "packages/protocol/src/position.ts: const match = /^([A-Za-z0-9_-]{1,64}):(\\d{1,15})$/.exec(text ?? '');: ''); → \"Stryker was here!\"":
    'Another text that is no cursor either.',
  "services/audit/src/store/search-words.ts: .replace(/\\p{M}+/gu, ''): /\\p{M}+/gu, '') → /\\p{M}/gu":
    'All are replaced by nothing, one by one or together.',
  "services/gateway/src/follow/follower.ts: const isChanged = view.kind === 'snapshot' && view.behind;: view.kind === 'snapshot' && view.behind; → true":
    'Only a snapshot says that it is behind: the kind is there for the compiler.',
  "services/gateway/src/follow/room-channel.ts: #state: State = { kind: 'opening', readWithout: false };: { kind: 'opening', readWithout: false }; → {}":
    'The constructor asks for the channel at once and sets the state anew: nobody has looked before.',
  "services/gateway/src/follow/room-channel.ts: #state: State = { kind: 'opening', readWithout: false };: 'opening', readWithout: false }; → \"\"":
    'The constructor asks for the channel at once and sets the state anew: nobody has looked before.',
  "services/gateway/src/follow/room-channel.ts: #state: State = { kind: 'opening', readWithout: false };: false }; → true":
    'The constructor asks for the channel at once and sets the state anew: nobody has looked before.',
  'services/gateway/src/follow/room-channel.ts: this.tried = withDeadline(this.#open(0, { readWithout: false }), PATIENCE_MS, () => {: { readWithout: false }), PATIENCE_MS, () => { → {}':
    'What is not there is as false.',
  "services/gateway/src/follow/room-channel.ts: if (this.#state.kind === 'opening') this.#state.readWithout = true;: this.#state.kind === 'opening') this.#state.readWithout = true; → true":
    'In another state nobody asks for it.',
  "services/gateway/src/follow/room-channel.ts: this.#state = { kind: 'closed' };: { kind: 'closed' }; → {}":
    'Any state that is neither opening, failed nor open.',
  "services/gateway/src/follow/room-channel.ts: this.#state = { kind: 'closed' };: 'closed' }; → \"\"":
    'Any state that is neither opening, failed nor open.',
  "services/gateway/src/follow/room-channel.ts: if (state.kind === 'failed') clearTimeout(state.timer);: state.kind === 'failed') clearTimeout(state.timer); → true":
    'No other state has a timer: nothing is cleared.',
  'services/audit/src/store/fold.ts: default:: default: → default:': 'Only the compiler reads it: there is no other kind.',
  'services/audit/src/store/fold.ts: session.deletedAt !== null && (time < session.deletedAt || logId === session.deletedLogId);: session.deletedAt !== null && (time < session.deletedAt || logId === session.deletedLogId); → true':
    'Never deleted, both are null: no time is below null, which counts as 0, and no log has that name. The check is for the compiler.',
  'services/gateway/src/sockets/session.ts: default:: default: → default:': 'Only the compiler reads it: there is no other kind.',
  "services/gateway/src/sockets/session.ts: () => this.fail(new RunnelError('token-expired', 'The token expires within a minute: send a new hello.')),: 'The token expires within a minute: send a new hello.')), → \"\"":
    'Words for people; the code says the same to programs.',
  'services/gateway/src/sockets/session.ts: timer.unref();: timer.unref(); → ;':
    'Whether a process that ends waits for it; a test ends by itself.',
  "services/gateway/src/sockets/session.ts: case 'closed':: case 'closed': → case 'closed':":
    'What follows does nothing either: it is there for the compiler.',
  "services/gateway/src/sockets/session.ts: case 'closed':: 'closed': → \"\"":
    'What follows does nothing either: it is there for the compiler.',
  "services/gateway/src/sockets/session.ts: this.#queue.send(control({ type: 'error', ...(id !== undefined && { id }), ...error.toFields() }), null);: id !== undefined && { id }), ...error.toFields() }), null); → true":
    'JSON leaves out what is undefined.',
  "services/gateway/src/sockets/session.ts: if (error.code === 'rate-limited') this.#strike(BY_MINUTE.has(error.limit ?? '') ? PROMPT_STRIKE : FRAME_STRIKE);: '') ? PROMPT_STRIKE : FRAME_STRIKE); → \"Stryker was here!\"":
    'Another text that is no limit by the minute either.',
  "services/gateway/src/sockets/session.ts: if (state.kind === 'greeting') clearTimeout(state.timer);: state.kind === 'greeting') clearTimeout(state.timer); → true":
    'There is no other timer in the state: nothing is cleared.',
  "services/gateway/src/sockets/session.ts: if (this.#state.kind === 'greeting') clearTimeout(this.#state.timer);: this.#state.kind === 'greeting') clearTimeout(this.#state.timer); → true":
    'There is no other timer in the state: nothing is cleared.',
  "services/gateway/src/sockets/session.ts: control({ type: 'error', ...new RunnelError('rate-limited', 'Too many frames.', { retryAfterMs: wait }).toFields() }),: 'Too many frames.', { retryAfterMs: wait }).toFields() }), → \"\"":
    'Words for people; the code says the same to programs.',
  "services/gateway/src/sockets/session.ts: if (!(typeof room === 'boolean' ? room : await room)) {: typeof room === 'boolean' ? room : await room)) { → false":
    'Waiting for a boolean gives it, one turn later.',
  "services/gateway/src/sockets/session.ts: if (this.open) this.fail(refusals.of('sockets', { retryAfterMs: SOCKETS_RETRY_MS }));: this.open) this.fail(refusals.of('sockets', { retryAfterMs: SOCKETS_RETRY_MS })); → true":
    'The queue of a socket that has ended takes nothing.',
  "services/gateway/src/sockets/session.ts: if (!(typeof room === 'boolean' ? room : await room)) {: 'boolean' ? room : await room)) { → \"\"":
    'Waiting for a boolean gives it, one turn later.',
  'services/gateway/src/sockets/session.ts: return false;: false; → true': 'The socket has ended: nothing is done with the answer.',
  "services/gateway/src/sockets/session.ts: return { source: 'hello', ...(await this.#deps.auth.verify(token)) };: 'hello', ...(await this.#deps.auth.verify(token)) }; → \"\"":
    'Only administration asks for the source, and no frame is that.',
  "services/gateway/src/sockets/session.ts: else if (state.kind === 'open' && state.identity.userId !== identity.userId) this.end('auth');: state.kind === 'open' && state.identity.userId !== identity.userId) this.end('auth'); → true":
    'It throws for a socket that ended while its token was checked: vitest reports that, and Stryker does not see it.',
  "services/gateway/src/sockets/session.ts: else if (state.kind === 'open') this.#greetAgain(state, identity);: state.kind === 'open') this.#greetAgain(state, identity); → true":
    'It throws for a socket that ended while its token was checked: vitest reports that, and Stryker does not see it.',
};
