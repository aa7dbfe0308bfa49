import { watch, type FSWatcher } from 'node:fs'
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** Milliseconds that a watch goes by. */
export interface WatchTiming {
  /** From one look without cause to the next: not every disk tells of changes. */
  readonly pollMs: number
  /** How long a file must stay the same before it counts as written. */
  readonly settleMs: number
  /** The same for a file that is gone or empty, as it may be for a moment while it is replaced. */
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
  const ends = Array.from(new Set(files.map((file) => path.dirname(file))), (folder) =>
    watchFolder(folder, () => {
      look.start()
    }),
  )
  const poll = setInterval(() => {
    look.start()
  }, timing.pollMs).unref()
  look.start()
  return () => {
    look.end()
    clearInterval(poll)
    for (const end of ends) end()
  }
}

/** The folder rather than the file: editors put another file in its place, and links change what they lead to. */
function watchFolder(folder: string, onEvent: () => void): () => void {
  let watcher: FSWatcher
  try {
    watcher = watch(folder, { persistent: false }, onEvent)
  } catch {
    // Not there, or no more watches to be had: looking from time to time has to do.
    return () => undefined
  }
  const close = (): void => {
    watcher.close()
  }
  watcher.on('error', close)
  return close
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
      await delay(this.#toWait(seen), undefined, { ref: false })
      const now = await readStates(this.#files)
      if (!isOther(now, seen) && !this.#isOver()) {
        this.#settled = now
        await this.#onSettled(async () => !isOther(await readStates(this.#files), now))
      }
      // It may have been written again meanwhile.
      seen = await readStates(this.#files)
    }
  }

  #toWait(states: readonly FileState[]): number {
    const { settleMs, gapMs } = this.#timing
    // What was never there is not missed.
    const isGap = states.some(({ text, isVoid }, index) => {
      return isVoid && text !== (this.#settled[index]?.text ?? text)
    })
    return isGap ? gapMs : settleMs
  }
}

/** Tells one state of a file from another without reading it. `isVoid`: it is not there or empty. */
interface FileState {
  readonly text: string
  readonly isVoid: boolean
}

async function readStates(files: readonly string[]): Promise<readonly FileState[]> {
  return Promise.all(
    files.map((file) =>
      stat(file, { bigint: true }).then(
        ({ dev, ino, size, mtimeNs, ctimeNs }) => ({
          text: [dev, ino, size, mtimeNs, ctimeNs].join(' '),
          isVoid: size === 0n,
        }),
        () => ({ text: 'none', isVoid: true }),
      ),
    ),
  )
}

function isOther(left: readonly FileState[], right: readonly FileState[]): boolean {
  return left.some(({ text }, index) => text !== right[index]?.text)
}
