import { describe, expect, it } from 'vitest'
import { toChildEnvironment } from './child-environment.ts'

describe('toChildEnvironment', () => {
  it('hands on what Patchbay inherited, with what is configured for the server on top', () => {
    expect(toChildEnvironment({ PATH: '/bin', LANG: 'C' }, { LANG: 'de', KEY: '1' })).toEqual({
      PATH: '/bin',
      LANG: 'de',
      KEY: '1',
    })
  })

  it('leaves out what is only about Patchbay and the package manager that started it', () => {
    const inherited = {
      PATCHBAY_HOME: '/data',
      npm_config_registry: 'x',
      npm_package_name: 'patchbay',
      INIT_CWD: '/',
      ELECTRON_RUN_AS_NODE: '1',
      MY_npm_token: 'kept',
      INIT_CWD_2: 'kept',
    }
    expect(toChildEnvironment(inherited, {})).toEqual({ MY_npm_token: 'kept', INIT_CWD_2: 'kept' })
  })

  it('gives a server even those when they are configured for it', () => {
    expect(toChildEnvironment({ PATCHBAY_HOME: '/a' }, { PATCHBAY_HOME: '/b' })).toEqual({
      PATCHBAY_HOME: '/b',
    })
  })
})
