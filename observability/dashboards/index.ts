import type { Dashboard } from '../lib/grafana.ts';
import { ai } from './ai.ts';
import { audit } from './audit.ts';
import { gateway } from './gateway.ts';
import { journey } from './journey.ts';
import { kubernetes } from './kubernetes.ts';
import { operator } from './operator.ts';
import { store } from './store.ts';

/** In the order in which one looks. */
export const DASHBOARDS: readonly Dashboard[] = [journey, gateway, ai, store, audit, kubernetes, operator];
