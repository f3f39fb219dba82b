import {
  applyEvent,
  emptyConversation,
  fromSnapshot,
  isLogged,
  type ConversationState,
  type RunnelError,
  type ServerEvent,
} from '@runnel/protocol';
import type { Sink } from '../src/follow/follower.ts';
import type { Outgoing } from '../src/follow/wire-event.ts';

/** A reader as strict as the protocol: it applies what it is sent and throws at the first hole. */
export class Screen implements Sink {
  state: ConversationState;
  readonly types: string[] = [];
  /** Events outside the log. */
  readonly hints: Record<string, unknown>[] = [];
  readonly errors: RunnelError[] = [];
  snapshots = 0;
  opens = 0;

  constructor(conversationId: string) {
    this.state = emptyConversation(conversationId);
  }

  opened(): void {
    this.opens++;
  }

  failed(error: RunnelError): void {
    this.errors.push(error);
  }

  send({ type, bytes }: Outgoing, logId: string | null): void {
    this.types.push(type);
    const event = JSON.parse(bytes.toString()) as ServerEvent;
    if (event.type === 'snapshot') {
      this.snapshots++;
      this.state = fromSnapshot(event);
    } else if (!isLogged(event)) this.hints.push({ ...event });
    else {
      const applied = applyEvent(this.state, event);
      if (applied.kind !== 'applied') throw new Error(`${applied.kind} at ${event.type} ${event.offset}, after ${this.state.offset}`);
      this.state = applied.state;
      if (logId !== this.state.logId) throw new Error('the cursor names another log');
    }
  }

  /** Text of the running or finished answer. */
  text(runId: string): string | undefined {
    return this.state.run?.runId === runId ? this.state.run.text : this.state.messages.find((m) => m.messageId === runId)?.text;
  }
}
