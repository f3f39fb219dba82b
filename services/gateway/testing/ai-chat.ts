import { WorkflowChatTransport } from '@ai-sdk/workflow/client';
import { AbstractChat, type ChatState, type ChatStatus, type ChatTransport, type UIMessage } from 'ai';

/** What a page's framework keeps of a chat. */
class State implements ChatState<UIMessage> {
  status: ChatStatus = 'ready';
  error: Error | undefined;
  messages: UIMessage[];

  constructor(messages: UIMessage[]) {
    this.messages = messages;
  }
  pushMessage = (message: UIMessage): void => {
    this.messages = [...this.messages, message];
  };
  popMessage = (): void => {
    this.messages = this.messages.slice(0, -1);
  };
  replaceMessage = (index: number, message: UIMessage): void => {
    this.messages = this.messages.map((each, at) => (at === index ? message : each));
  };
  snapshot = <T>(thing: T): T => structuredClone(thing);
}

/** The chat behind `useChat`, without a framework. */
export class AiChat extends AbstractChat<UIMessage> {
  constructor(id: string, transport: ChatTransport<UIMessage>, messages: UIMessage[] = []) {
    super({ id, transport, state: new State(messages) });
  }

  /** The text of the last answer. */
  get text(): string {
    const last = this.messages.findLast(({ role }) => role === 'assistant');
    return (last?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');
  }
}

/** The transport of Workflow, which by itself sends neither the chat's id nor what triggers it. */
export const workflowTransport = (options: ConstructorParameters<typeof WorkflowChatTransport<UIMessage>>[0]): ChatTransport<UIMessage> =>
  // Its types were made without `exactOptionalPropertyTypes`.
  new WorkflowChatTransport<UIMessage>({
    prepareSendMessagesRequest: ({ id, messages, trigger }) => ({ body: { id, messages, trigger } }),
    ...options,
  }) as unknown as ChatTransport<UIMessage>;
