// A file system with little room, mounted on a folder. Linux and root only.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

function mount(folder: string, megabytes: number): boolean {
  const args = ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'tmpfs', folder]
  return spawnSync('mount', args, { stdio: 'ignore' }).status === 0
}

/** Whether this user may mount here at all. */
export function canMount(): boolean {
  const folder = mkdtempSync(path.join(tmpdir(), 'pb-mount-'))
  try {
    const isMounted = mount(folder, 1)
    if (isMounted) execFileSync('umount', [folder])
    return isMounted
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A folder with so many MiB of room in all. Unmount it (`using`) when nothing uses it any more. */
export class SmallDisk {
  readonly folder: string

  constructor(folder: string, megabytes: number) {
    this.folder = folder
    mkdirSync(folder, { recursive: true })
    if (!mount(folder, megabytes)) throw new Error(`Nothing can be mounted on ${folder}.`)
  }

  /** Leaves not a byte of room. */
  fill(): void {
    for (let size = 1024 * 1024; size >= 1; size = Math.floor(size / 2)) {
      try {
        for (;;) writeFileSync(this.#ballast, Buffer.alloc(size), { flag: 'a' })
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
    }
  }

  /** Makes room again. */
  free(): void {
    rmSync(this.#ballast)
  }

  [Symbol.dispose](): void {
    execFileSync('umount', ['--lazy', this.folder])
  }

  get #ballast(): string {
    return path.join(this.folder, 'ballast')
  }
}
