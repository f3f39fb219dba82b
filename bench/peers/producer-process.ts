/** The generator, in a process of its own: chunks for all conversations in turn, at a pace. Driven by messages of the parent. */
import { answerParent } from '../child.ts';
import { openPublisher, type Publisher, type PublisherTarget } from './publishers.ts';

export type ProducerRequest =
  | { kind: 'open'; target: PublisherTarget }
  /** Chunks a second, all conversations together; 0 stops. */
  | { kind: 'pace'; perSecond: number }
  | { kind: 'report' };
export interface ProducerReport {
  sent: number;
  failures: number;
}

/** A generator that was kept waiting catches up in bites, so that its replies are read in between. */
const MOST_AT_ONCE = 2_000;

let publisher: Publisher | undefined;
let conversations = 0;
let sent = 0;
let pace = { perSecond: 0, since: 0, before: 0 };

const tick = (): void => {
  if (publisher === undefined || publisher.full) return;
  const due = pace.before + ((performance.now() - pace.since) / 1_000) * pace.perSecond;
  for (let bite = 0; sent < Math.floor(due) && bite < MOST_AT_ONCE; bite++, sent++) {
    publisher.publish(sent % conversations, Math.floor(sent / conversations) + 1);
  }
  publisher.flush();
};
setInterval(tick, 1);

const handle = async (request: ProducerRequest): Promise<ProducerReport> => {
  if (request.kind === 'open') {
    publisher = await openPublisher(request.target);
    conversations = request.target.conversations;
  } else if (request.kind === 'pace') pace = { perSecond: request.perSecond, since: performance.now(), before: sent };
  return { sent, failures: publisher?.failures ?? 0 };
};

answerParent(handle);
