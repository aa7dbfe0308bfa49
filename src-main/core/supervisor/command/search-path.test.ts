import { describe, expect, it } from 'vitest'
import { SearchPath } from './search-path.ts'

/** A login shell that answers when it is asked, and remembers whether it was. */
function createShell(answer: string | undefined) {
  return {
    isSettled: false,
    value: undefined as string | undefined,
    ask() {
      this.isSettled = true
      this.value = answer
      return Promise.resolve()
    },
  }
}

/** Finds a command in the first of these folders that is searched. */
const lookUpIn =
  (...places: readonly string[]) =>
  (folders: readonly string[]) =>
    Promise.resolve(folders.find((folder) => places.includes(folder)))

describe('the search path', () => {
  it('is what Patchbay inherited, then what the login shell adds, each folder once', async () => {
    const shell = createShell('/bin:/mine::relative:/a:/mine')
    const search = new SearchPath({ PATH: '/a:./b:/bin' }, 'linux', shell)
    expect(search.value).toBe('/a:./b:/bin')
    await shell.ask()
    expect(search.value).toBe('/a:./b:/bin:/mine')
    expect(search.folders).toEqual(['/a', './b', '/bin', '/mine'])
  })

  it('begins with that of the login shell for an app that macOS started', async () => {
    const shell = createShell('/opt/homebrew/bin:/usr/bin')
    const search = new SearchPath({ PATH: '/usr/bin:/bin:/usr/sbin:/sbin' }, 'darwin', shell)
    await shell.ask()
    expect(search.value).toBe('/opt/homebrew/bin:/usr/bin:/bin:/usr/sbin:/sbin')
  })

  it('is what Patchbay inherited when the login shell failed', async () => {
    const shell = createShell(undefined)
    const search = new SearchPath({ PATH: '/a' }, 'linux', shell)
    await shell.ask()
    expect(search.value).toBe('/a')
    expect(new SearchPath({}, 'linux', shell).value).toBeUndefined()
    expect(new SearchPath({}, 'linux', shell).folders).toEqual([])
  })

  it('is that of the login shell when nothing was inherited', async () => {
    const shell = createShell('/mine')
    await shell.ask()
    expect(new SearchPath({}, 'linux', shell).value).toBe('/mine')
  })
})

describe('a look-up in the search path', () => {
  it('does not wait for the login shell when it finds something without', async () => {
    const shell = createShell('/mine')
    const search = new SearchPath({ PATH: '/a' }, 'linux', shell)
    expect(await search.find(lookUpIn('/a', '/mine'))).toBe('/a')
    expect(shell.isSettled).toBe(false)
  })

  it('waits for it when it finds nothing without', async () => {
    const search = new SearchPath({ PATH: '/a' }, 'linux', createShell('/mine'))
    expect(await search.find(lookUpIn('/mine'))).toBe('/mine')
    expect(await search.find(lookUpIn('/other'))).toBeUndefined()
  })

  it('waits for it in an app that macOS started, as its own python may be newer', async () => {
    const shell = createShell('/opt/homebrew/bin')
    const search = new SearchPath({ PATH: '/usr/bin:/bin' }, 'darwin', shell)
    expect(await search.find(lookUpIn('/usr/bin', '/opt/homebrew/bin'))).toBe('/opt/homebrew/bin')
    expect(await search.find(lookUpIn('/usr/bin'))).toBe('/usr/bin')
  })

  it('does not wait on macOS when Patchbay was started from a terminal', async () => {
    const shell = createShell('/mine')
    const search = new SearchPath({ PATH: '/usr/bin:/usr/local/bin' }, 'darwin', shell)
    expect(await search.find(lookUpIn('/usr/bin'))).toBe('/usr/bin')
    expect(shell.isSettled).toBe(false)
  })
})
