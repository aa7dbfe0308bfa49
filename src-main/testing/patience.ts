/** For vi.waitFor on what real processes and sockets do: long enough for a busy machine, quick to notice. */
export const patience = { timeout: 15_000, interval: 10 }
