import type { OwnedRun, RunRef } from '../run-ref.ts';
import { count, id, object } from './shapes.ts';

export const checkRun = (command: RunRef): void => {
  object(command, 'command');
  id(command.conversationId);
  id(command.runId);
};

export const checkOwned = (command: OwnedRun): void => {
  checkRun(command);
  count(command.epoch, 'epoch');
};
