import { expect, onTestFinished, test, vi } from 'vitest';
import { pageSignals } from './page-signals.ts';

test('the page tells about network and visibility until nobody listens', () => {
  const page = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
  vi.stubGlobal('document', document);
  onTestFinished(() => void vi.unstubAllGlobals());
  const heard: string[] = [];
  const stop = pageSignals((signal) => heard.push(signal));
  for (const type of ['online', 'offline', 'pageshow']) page.dispatchEvent(new Event(type));
  document.dispatchEvent(new Event('visibilitychange'));
  document.visibilityState = 'hidden';
  document.dispatchEvent(new Event('visibilitychange'));
  stop();
  page.dispatchEvent(new Event('online'));
  expect(heard).toEqual(['online', 'offline', 'visible', 'visible']);
});

test('where there is no page, nothing is told and nothing breaks', () => {
  expect(() => pageSignals(() => undefined)()).not.toThrow();
});
