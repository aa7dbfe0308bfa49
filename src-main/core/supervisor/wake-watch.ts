const intervalMs = 2000
// Longer than a busy machine keeps a timer waiting.
const slackMs = 4000

/**
 * Calls `onWake` when this process slept, with the computer or alone: then its clock jumps between two ticks. Returns
 * what ends the watching. `readClock` gives milliseconds of a clock that goes on during sleep.
 */
export function watchForWake(onWake: () => void, readClock: () => number = Date.now): () => void {
  let last = readClock()
  const timer = setInterval(() => {
    const now = readClock()
    const slept = now - last > intervalMs + slackMs
    last = now
    if (slept) onWake()
  }, intervalMs).unref()
  return () => {
    clearInterval(timer)
  }
}
