// Loaded before a service (`--import`): its clock stands beside everybody else's by CLOCK_SHIFT_MS, and is set anew by as much as
// CLOCK_STEP_MS at each SIGUSR2. Timers and `performance.now` go on as they were, as they do when an operator sets a clock.
let shift = Number(process.env.CLOCK_SHIFT_MS ?? 0);
const step = Number(process.env.CLOCK_STEP_MS ?? 0);
process.on('SIGUSR2', () => (shift += step));

const Real = Date;
const now = () => Real.now() + shift;
globalThis.Date = class Date extends Real {
  constructor(...parts) {
    super(...(parts.length === 0 ? [now()] : parts));
  }
  static now() {
    return now();
  }
};
