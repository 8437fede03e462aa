/**
 * One clock for every relative time on screen, ticking twice a minute.
 */
class Now {
  ms = $state(Date.now());

  /** Starts the clock; the returned function stops it. */
  start(): () => void {
    const timer = setInterval(() => (this.ms = Date.now()), 30_000);
    return () => clearInterval(timer);
  }
}

export const now = new Now();
