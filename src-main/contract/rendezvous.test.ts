import { describe, expect, it } from 'vitest'
import { parseHelloAnswer, parseLaunch, parseRendezvous, toDataFolder } from './rendezvous.ts'

const linux = { platform: 'linux', env: {}, home: '/home/me' }

describe('toDataFolder', () => {
  it('prefers the option, then PATCHBAY_HOME', () => {
    const hints = { ...linux, env: { PATCHBAY_HOME: '/data' } }
    expect(toDataFolder('/option', hints)).toBe('/option')
    expect(toDataFolder(undefined, hints)).toBe('/data')
  })

  it("uses each system's own place", () => {
    expect(toDataFolder(undefined, linux)).toBe('/home/me/.config/Patchbay')
    expect(toDataFolder(undefined, { ...linux, env: { XDG_CONFIG_HOME: '/x' } })).toBe('/x/Patchbay')
    expect(toDataFolder(undefined, { platform: 'darwin', env: {}, home: '/Users/me' })).toBe(
      '/Users/me/Library/Application Support/Patchbay',
    )
    const windows = {
      platform: 'win32',
      env: { APPDATA: 'C:\\Users\\me\\AppData\\Roaming' },
      home: 'C:\\Users\\me',
    }
    expect(toDataFolder(undefined, windows)).toBe('C:\\Users\\me\\AppData\\Roaming\\Patchbay')
    expect(toDataFolder(undefined, { ...windows, env: {} })).toBe('C:\\Users\\me\\AppData\\Roaming\\Patchbay')
  })
})

describe('parseRendezvous', () => {
  it('takes what the app writes', () => {
    const text = JSON.stringify({
      version: 1,
      pid: 1,
      startedAt: '',
      appVersion: '',
      socket: 's',
      url: null,
      token: 't',
    })
    expect(parseRendezvous(text).socket).toBe('s')
  })

  it.each(['', '[]', 'null', '{}', '{"version":2,"pid":1,"socket":"s","token":"t"}'])(
    'refuses %j',
    (text) => {
      expect(() => parseRendezvous(text)).toThrow(/rendezvous\.json/)
    },
  )
})

describe('parseLaunch', () => {
  it('takes command and args', () => {
    expect(parseLaunch('{"version":1,"command":"a","args":["b"]}')).toEqual({
      version: 1,
      command: 'a',
      args: ['b'],
    })
  })

  it.each(['{}', '{"version":1,"command":"a","args":[1]}', '{"version":1,"args":[]}'])(
    'refuses %j',
    (text) => {
      expect(() => parseLaunch(text)).toThrow(/launch\.json/)
    },
  )
})

describe('parseHelloAnswer', () => {
  it('takes a yes and a no', () => {
    expect(parseHelloAnswer('{"patchbay":1,"ok":true}')).toEqual({ patchbay: 1, ok: true })
    expect(parseHelloAnswer('{"patchbay":1,"ok":false,"code":"bad-token","message":"No."}')).toEqual({
      patchbay: 1,
      ok: false,
      code: 'bad-token',
      message: 'No.',
    })
  })

  it('reads an unknown refusal as one worth another try', () => {
    expect(parseHelloAnswer('{"patchbay":1,"ok":false,"code":"later"}')).toMatchObject({
      code: 'busy',
      message: 'later',
    })
  })

  it.each(['nonsense', '{"ok":true}', '{"patchbay":1}'])('refuses %j', (text) => {
    expect(() => parseHelloAnswer(text)).toThrow()
  })
})
