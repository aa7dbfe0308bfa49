import { statSync, watch, type FSWatcher } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** Milliseconds that a watch goes by. */
export interface WatchTiming {
  /** From one look without cause to the next: not every disk tells of changes. */
  readonly pollMs: number
  /** How long a file must stay the same before it counts as written. */
  readonly settleMs: number
  /** The same for one that is gone, empty or shorter than it was, as it may be while it is replaced or written anew. */
  readonly gapMs: number
}

/**
 * The files are another and have stayed the same for a while. What was read of them counts only if `isStill` says so
 * afterwards: they may have been written again at that very moment. Must not reject.
 */
type Settled = (isStill: () => Promise<boolean>) => Promise<void>

const usualTiming: WatchTiming = { pollMs: 2000, settleMs: 100, gapMs: 1000 }

/**
 * Watches files, which need not be there. `onSettled` is called once at first, then whenever one of them has become
 * another and all stay the same for a while; never twice at a time. Gives what ends the watch.
 * Nothing of it keeps the process alive.
 */
export function watchFiles(
  files: readonly string[],
  onSettled: Settled,
  timing: WatchTiming = usualTiming,
): () => void {
  const look = new FileWatch(files, onSettled, timing)
  const folders = Array.from(new Set(files.map((file) => path.dirname(file))), (folder) => {
    return new FolderWatch(folder, () => {
      look.start()
    })
  })
  const poll = setInterval(() => {
    look.start()
    for (const folder of folders) folder.renew()
  }, timing.pollMs).unref()
  look.start()
  return () => {
    look.end()
    clearInterval(poll)
    for (const folder of folders) folder.close()
  }
}

/** The folder rather than the file: editors put another file in its place, and links change what they lead to. */
class FolderWatch {
  readonly #folder: string
  readonly #onEvent: () => void
  #watcher: FSWatcher | undefined
  #identity = 0n

  constructor(folder: string, onEvent: () => void) {
    this.#folder = folder
    this.#onEvent = onEvent
    this.renew()
  }

  /** Watches the folder that is there now, which may be another than before. */
  renew(): void {
    try {
      const identity = statSync(this.#folder, { bigint: true, throwIfNoEntry: false })?.ino ?? 0n
      if (identity === this.#identity) return
      this.close()
      this.#identity = identity
      this.#watcher = watch(this.#folder, { persistent: false }, this.#onEvent)
      this.#watcher.on('error', () => {
        this.close()
      })
    } catch {
      // Not there, not to be looked at, or no more watches to be had: looking from time to time has to do.
      this.close()
    }
  }

  close(): void {
    this.#watcher?.close()
    this.#watcher = undefined
  }
}

class FileWatch {
  readonly #files: readonly string[]
  readonly #onSettled: Settled
  readonly #timing: WatchTiming
  #settled: readonly FileState[] = []
  #isLooking = false
  #isAgain = false
  #isEnded = false

  constructor(files: readonly string[], onSettled: Settled, timing: WatchTiming) {
    this.#files = files
    this.#onSettled = onSettled
    this.#timing = timing
  }

  /** Looks at the files, now or after the look that goes on. */
  start(): void {
    this.#isAgain = true
    if (!this.#isLooking) void this.#look()
  }

  end(): void {
    this.#isEnded = true
  }

  #isOver(): boolean {
    return this.#isEnded
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    while (this.#isAgain && !this.#isOver()) {
      this.#isAgain = false
      await this.#settle()
    }
    this.#isLooking = false
  }

  async #settle(): Promise<void> {
    let seen = await readStates(this.#files)
    while (isOther(seen, this.#settled) && !this.#isOver()) {
      const now = await this.#wait(seen)
      if (!isOther(now, seen) && !this.#isOver()) {
        this.#settled = now
        await this.#onSettled(async () => !isOther(await readStates(this.#files), now))
      }
      // It may have been written again meanwhile.
      seen = await readStates(this.#files)
    }
  }

  /** Waits as long as the files have to stay as they are, or until they are others; gives what they are then. */
  async #wait(seen: readonly FileState[]): Promise<readonly FileState[]> {
    const end = performance.now() + this.#toWait(seen)
    for (;;) {
      const left = end - performance.now()
      await delay(Math.min(this.#timing.settleMs, left), undefined, { ref: false })
      const now = await readStates(this.#files)
      if (isOther(now, seen) || this.#isOver() || performance.now() >= end) return now
    }
  }

  #toWait(states: readonly FileState[]): number {
    const { settleMs, gapMs } = this.#timing
    const isGap = states.some(({ text, identity, size }, index) => {
      const settled = this.#settled[index]
      // What was never there is not missed.
      if (settled === undefined || settled.text === text) return false
      // The start of a configuration is one as well, with fewer servers. A file put in its place is whole.
      return size === 0n || (identity === settled.identity && size < settled.size)
    })
    return isGap ? gapMs : settleMs
  }
}

/** Tells one state of a file from another without reading it; `size` 0 when it is not there. */
interface FileState {
  readonly text: string
  /** Which file it is. */
  readonly identity: string
  readonly size: bigint
}

async function readStates(files: readonly string[]): Promise<readonly FileState[]> {
  return Promise.all(
    files.map((file) =>
      stat(file, { bigint: true }).then(
        ({ dev, ino, size, mtimeNs, ctimeNs }) => ({
          text: [dev, ino, size, mtimeNs, ctimeNs].join(' '),
          identity: `${dev} ${ino}`,
          size,
        }),
        () => ({ text: 'none', identity: 'none', size: 0n }),
      ),
    ),
  )
}

function isOther(left: readonly FileState[], right: readonly FileState[]): boolean {
  return left.some(({ text }, index) => text !== right[index]?.text)
}
