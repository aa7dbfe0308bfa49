import { EventEmitter } from 'node:events'
import type { spawn } from 'node:child_process'
import { expect, it, vi } from 'vitest'
import { startApp } from './start-app.ts'

const launch = { version: 1, command: '/opt/Patchbay', args: ['--hidden', 'a b'] } as const

function start() {
  const app = Object.assign(new EventEmitter(), { unref: vi.fn() })
  const run = vi.fn(() => app)
  vi.stubEnv('NODE_OPTIONS', '--import x')
  vi.stubEnv('KEPT', 'yes')
  const findFailure = startApp(launch, '/data', run as unknown as typeof spawn)
  vi.unstubAllEnvs()
  return { app, run, findFailure }
}

it('7. starts the app detached, without a shell, in the data folder', () => {
  const { app, run, findFailure } = start()
  const [command, args, options] = run.mock.calls[0] as unknown as Parameters<typeof spawn>
  expect([command, args]).toEqual(['/opt/Patchbay', ['--hidden', 'a b']])
  expect(options).toMatchObject({ cwd: '/data', detached: true, stdio: 'ignore', windowsHide: true })
  expect(options.shell).toBeUndefined()
  expect(options.env).toMatchObject({ KEPT: 'yes' })
  expect(options.env).not.toHaveProperty('NODE_OPTIONS')
  expect(app.unref).toHaveBeenCalled()
  app.emit('exit', 0)
  expect(findFailure()).toBeUndefined()
})

it('7. says why it will not come', () => {
  const { app, findFailure } = start()
  app.emit('exit', 1)
  expect(findFailure()).toBe('/opt/Patchbay ended with code 1')
  app.emit('error', Object.assign(new Error('spawn ENOENT'), { code: 'ENOENT' }))
  expect(findFailure()).toBe('/opt/Patchbay was not found (ENOENT)')
  app.emit('error', Object.assign(new Error('denied'), { code: 'EACCES' }))
  expect(findFailure()).toBe('/opt/Patchbay failed (denied)')
})
