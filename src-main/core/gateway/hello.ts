import { z } from 'zod'
import { product } from '#contract/product.ts'
import type { HelloRefusal } from '#contract/rendezvous.ts'

const helloSchema = z.object({
  patchbay: z.literal(1),
  token: z.string(),
  client: z.object({
    name: z.string().max(200),
    pid: z.number().optional(),
    cwd: z.string().max(4096).optional(),
  }),
  profile: z.string().nullable().default(null),
  server: z.string().nullable().default(null),
})

/** A hello that may come in, or why it may not. */
export type Admission =
  | {
      readonly ok: true
      readonly client: z.output<typeof helloSchema>['client']
      readonly server: string | undefined
    }
  | { readonly ok: false; readonly code: HelloRefusal; readonly message: string }

/** What a hello is checked against. */
export interface Door {
  readonly isRightToken: (token: string) => boolean
  /** A wrong token came; gives for how many seconds others need not be tried, or 0. */
  readonly onWrongToken: () => number
  readonly hasServer: (name: string) => boolean
  readonly isFull: () => boolean
}

/** Checks the first line of a client on the local socket. Nothing is said of servers before the token is right. */
export function admit(line: string, door: Door): Admission {
  const hello = parseHello(line)
  if (hello === undefined || !door.isRightToken(hello.token)) {
    const seconds = door.onWrongToken()
    if (seconds > 0) {
      const message = `Too many wrong tokens came; read rendezvous.json again and try in ${seconds} s.`
      return { ok: false, code: 'busy', message }
    }
    const message = 'The token is not the one of this Patchbay; read rendezvous.json again.'
    return { ok: false, code: 'bad-token', message }
  }
  const { client, profile, server } = hello
  if (profile !== null) {
    const message = `There is no profile “${profile}”: profiles are not built yet. Leave out --profile.`
    return { ok: false, code: 'unknown-profile', message }
  }
  if (server !== null && !door.hasServer(server)) {
    const message = `${product.name} has no server “${server}” that is switched on. Check its name and its switch.`
    return { ok: false, code: 'unknown-server', message }
  }
  if (door.isFull())
    return { ok: false, code: 'busy', message: 'Too many clients are connected; close some and try again.' }
  return { ok: true, client, server: server ?? undefined }
}

function parseHello(line: string): z.output<typeof helloSchema> | undefined {
  try {
    return helloSchema.safeParse(JSON.parse(line)).data
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
