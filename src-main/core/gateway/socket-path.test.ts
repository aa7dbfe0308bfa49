import { describe, expect, it } from 'vitest'
import { toSocketPath, type SocketHints } from './socket-path.ts'

const hints: SocketHints = {
  dataFolder: '/home/me/.config/Patchbay',
  platform: 'linux',
  env: { XDG_RUNTIME_DIR: '/run/user/1000' },
  user: '1000',
  tempFolder: '/tmp',
  isFolder: () => true,
}

describe('toSocketPath', () => {
  it('stands in the runtime folder where there is one, apart for each data folder', () => {
    const path = toSocketPath(hints)
    expect(path).toMatch(/^\/run\/user\/1000\/patchbay\/[0-9a-f]{16}\.sock$/)
    expect(toSocketPath(hints)).toBe(path)
    expect(toSocketPath({ ...hints, dataFolder: '/other' })).not.toBe(path)
  })

  it('stands in the data folder where there is no runtime folder', () => {
    const inData = '/home/me/.config/Patchbay/run/patchbay.sock'
    expect(toSocketPath({ ...hints, env: {} })).toBe(inData)
    expect(toSocketPath({ ...hints, env: { XDG_RUNTIME_DIR: '' } })).toBe(inData)
    expect(toSocketPath({ ...hints, isFolder: (path) => path !== '/run/user/1000' })).toBe(inData)
    const mac = {
      ...hints,
      platform: 'darwin',
      env: {},
      dataFolder: '/Users/me/Library/Application Support/Patchbay',
    }
    expect(toSocketPath(mac)).toBe('/Users/me/Library/Application Support/Patchbay/run/patchbay.sock')
  })

  it('stands in a folder of the user under the temp folder when all else is too long for a socket', () => {
    const deep = `/home/${'ä'.repeat(45)}`
    const path = toSocketPath({ ...hints, dataFolder: deep, env: {} })
    expect(path).toMatch(/^\/tmp\/patchbay-1000\/[0-9a-f]{16}\.sock$/)
    const longRuntime = { ...hints, env: { XDG_RUNTIME_DIR: `/run/${'x'.repeat(90)}` } }
    expect(toSocketPath(longRuntime)).toBe('/home/me/.config/Patchbay/run/patchbay.sock')
  })

  it('is short enough for a socket wherever it stands', () => {
    for (let length = 1; length < 120; length++) {
      const path = toSocketPath({ ...hints, env: {}, dataFolder: `/${'x'.repeat(length)}` })
      expect(Buffer.byteLength(path)).toBeLessThanOrEqual(100)
    }
  })

  it('is a pipe on Windows, apart for each user and data folder', () => {
    const windows = { ...hints, platform: 'win32', dataFolder: 'C:\\Users\\me\\AppData\\Roaming\\Patchbay' }
    const path = toSocketPath(windows)
    expect(path).toMatch(/^\\\\\.\\pipe\\patchbay-[0-9a-f]{16}$/)
    expect(toSocketPath({ ...windows, user: 'other' })).not.toBe(path)
    expect(toSocketPath({ ...windows, dataFolder: 'D:\\' })).not.toBe(path)
  })
})
