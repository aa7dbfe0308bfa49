import { spawn } from 'node:child_process'

/** How hard to ask: `terminate` may be handled by the processes, `kill` may not. */
export type KillForce = 'terminate' | 'kill'

/**
 * Signals a process and everything it started. On Unix `pid` must lead its own process group; on Windows the tree is
 * walked by taskkill. A tree that is gone already is no error, nor is one that this user may not signal.
 */
export function killTree(pid: number, force: KillForce, platform: NodeJS.Platform): void {
  killProcess(platform === 'win32' ? pid : -pid, force, platform)
}

/** Signals one process; on Windows with everything it started. Forgives what `killTree` forgives. */
export function killProcess(pid: number, force: KillForce, platform: NodeJS.Platform): void {
  if (platform === 'win32') {
    const args = ['/pid', String(pid), '/T', ...(force === 'kill' ? ['/F'] : [])]
    spawn('taskkill', args, { stdio: 'ignore', windowsHide: true }).on('error', () => {
      signal(pid, 'SIGTERM')
    })
    return
  }
  signal(pid, force === 'kill' ? 'SIGKILL' : 'SIGTERM')
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

/** Whether anything of the process group that `pid` led is still there. Unix only; elsewhere false. */
export function isGroupAlive(pid: number, platform: NodeJS.Platform): boolean {
  if (platform === 'win32') return false
  try {
    process.kill(-pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
