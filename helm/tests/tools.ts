import { goTool } from '../../scripts/go-tools.mjs';
import { HELMS } from './chart.ts';

/** Before the first test and not within its time: on a new machine each takes minutes. */
export default (): void => {
  for (const tool of [...HELMS, 'kubeconform', 'untt', 'k6'] as const) goTool(tool);
};
