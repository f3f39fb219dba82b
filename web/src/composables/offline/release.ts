import { onScopeDispose, watch } from 'vue';
import { BASE } from '../../lib/session/base.ts';
import { i18n } from '../../i18n.ts';
import { useConnection } from '../../stores/connection.ts';
import { useNotices } from '../../stores/notices.ts';

/** What the build wrote into this page (`web/service-worker.ts`); null while it is developed. */
const own = (): string | null => document.querySelector<HTMLMetaElement>('meta[name="release"]')?.content ?? null;

/** The release that the server would give now; null where it cannot say. */
const served = async (): Promise<string | null> => {
  try {
    const answer = await fetch(`${BASE}release.json`, { cache: 'no-store' });
    const { release } = (await answer.json()) as { release?: unknown };
    return answer.ok && typeof release === 'string' ? release : null;
  } catch {
    return null;
  }
};

const whenIdle = (work: () => void): void => {
  const idle = (): void => void ('requestIdleCallback' in window ? requestIdleCallback(work, { timeout: 5_000 }) : setTimeout(work, 2_000));
  if (document.readyState === 'complete') idle();
  else window.addEventListener('load', idle, { once: true });
};

/** Keeps the page's own files for the day without a network, and says when the server has another release than this page is of. */
export const useRelease = (): void => {
  const connection = useConnection();
  const notices = useNotices();
  const mine = own();
  if (mine === null) return;
  const worker: Promise<ServiceWorkerRegistration | null> =
    'serviceWorker' in navigator && isSecureContext
      ? new Promise((resolve) =>
          whenIdle(() => {
            // Forbidden here, or an older server that has none: the page works as it did.
            navigator.serviceWorker.register(`${BASE}sw.js`, { scope: BASE }).then(resolve, () => resolve(null));
          }),
        )
      : Promise.resolve(null);

  /** Told once for each release. */
  let told = mine;
  const look = async (): Promise<void> => {
    const theirs = await served();
    if (theirs === null || theirs === mine || theirs === told) return;
    told = theirs;
    // The browser itself looks only when somebody navigates.
    void worker.then((registration) => registration?.update()).catch(() => undefined);
    const { t } = i18n.global;
    notices.offer(t('shell.newRelease'), t('shell.reload'), () => location.reload());
  };
  // A server of another release is met with a new connection; the first may be one, where the page came from this device.
  const stop = watch(
    () => connection.online,
    (online) => online && void look(),
    { immediate: true },
  );
  onScopeDispose(stop);
};
