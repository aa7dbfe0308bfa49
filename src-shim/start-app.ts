import type { spawn } from 'node:child_process'
import type { Launch } from '../src-main/contract/rendezvous.ts'

/**
 * Starts the app so that it outlives us; returns what tells later why it will not come, if that is known.
 * `folder` is its working directory: the editor's may be one that somebody wants to remove.
 */
export function startApp(launch: Launch, folder: string, run: typeof spawn): () => string | undefined {
  const env = { ...process.env }
  for (const name of ['NODE_OPTIONS', 'ELECTRON_RUN_AS_NODE']) Reflect.deleteProperty(env, name) // meant for us
  const options = { cwd: folder, env, detached: true, stdio: 'ignore', windowsHide: true } as const
  const app = run(launch.command, launch.args, options)
  let failure: string | undefined
  app.on('error', (error: NodeJS.ErrnoException) => {
    failure = `${launch.command} ${error.code === 'ENOENT' ? 'was not found (ENOENT)' : `failed (${error.message})`}`
  })
  app.on('exit', (code) => {
    if (code) failure = `${launch.command} ended with code ${code}`
  })
  app.unref()
  return () => failure
}
