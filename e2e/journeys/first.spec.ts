import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'

it('the built command line answers', () => {
  expect(execFileSync(process.execPath, ['dist/cli/patchbay.mjs'], { encoding: 'utf8' })).toMatch(
    /^Patchbay \d/,
  )
})
