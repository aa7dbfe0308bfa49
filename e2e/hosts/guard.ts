import { spawn } from 'node:child_process'

// `read` is built into the shell, so the guard is one process. It sees our end as the end of its stdin.
const script = `
read -r line
kill -TERM "$1"
tries=0
while kill -0 "$1" && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
kill -KILL "$1"
rm -rf "$2"
`

/**
 * Ends a process and removes its scratch folder once this process is gone, however it goes, SIGKILL included.
 * Returns what calls the guard off; do it as soon as the guarded process has exited, since its id may be given
 * to another. POSIX only; on Windows nothing is guarded.
 */
export function startGuard(pid: number, folder: string): () => void {
  if (process.platform === 'win32') return () => undefined
  const guard = spawn('/bin/sh', ['-c', script, 'guard', String(pid), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  return () => guard.kill('SIGKILL')
}
