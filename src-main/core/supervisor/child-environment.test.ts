import { describe, expect, it } from 'vitest'
import { findVariable, toChildEnvironment } from './child-environment.ts'

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
      npm_lifecycle_event: 'start',
      npm_package_name: 'patchbay',
      npm_command: 'run-script',
      npm_execpath: '/npm-cli.js',
      npm_node_execpath: '/node',
      INIT_CWD: '/',
      ELECTRON_RUN_AS_NODE: '1',
    }
    expect(toChildEnvironment(inherited, {})).toEqual({})
  })

  it.each([
    'NPM_TOKEN',
    'NPM_CONFIG_REGISTRY',
    'npm_config_registry',
    'NPM_PACKAGE_NAME',
    'npm_command_2',
    'MY_npm_package_name',
    'patchbay_home',
    'MY_PATCHBAY_HOME',
    'INIT_CWD_2',
    'init_cwd',
  ])("hands on %s, which is the user's own", (name) => {
    expect(toChildEnvironment({ [name]: 'kept' }, {})).toEqual({ [name]: 'kept' })
  })

  it('gives a server even those when they are configured for it', () => {
    expect(toChildEnvironment({ PATCHBAY_HOME: '/a' }, { PATCHBAY_HOME: '/b' })).toEqual({
      PATCHBAY_HOME: '/b',
    })
  })

  it('takes names that differ only in case for the same on Windows, and nowhere else', () => {
    expect(toChildEnvironment({ Path: '/a' }, { PATH: '/b' }, 'win32')).toEqual({ PATH: '/b' })
    expect(toChildEnvironment({ Path: '/a' }, { PATH: '/b' }, 'linux')).toEqual({ Path: '/a', PATH: '/b' })
  })
})

describe('findVariable', () => {
  it('finds it by any case on Windows only', () => {
    expect(findVariable({ Path: '/a' }, 'PATH', 'win32')).toBe('/a')
    expect(findVariable({ Path: '/a' }, 'PATH', 'linux')).toBeUndefined()
    expect(findVariable({}, 'constructor', 'linux')).toBeUndefined()
  })
})
