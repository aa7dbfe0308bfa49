import { z } from 'zod'

// Every message says what is expected and reads on after "Expected "; to-faults.ts makes sentences of them.

const longestSeconds = 2_147_483
const longestMs = 2_147_483_647

/** Text that may stand in an argument or a variable of a process. */
export const text = z.string('text').refine((value) => !value.includes('\0'), 'text without NUL characters')

/** Text that says something. */
export const filledText = text.min(1, 'text that is not empty')

/** true or false. */
export const flag = z.boolean('true or false')

/** A whole number with its bounds, both included. */
export function wholeNumber(from: number, to: number = Number.MAX_SAFE_INTEGER): z.ZodNumber {
  const bound = to === Number.MAX_SAFE_INTEGER ? '' : ` to ${to}`
  const expected = `a whole number from ${from}${bound}`
  return z.int(expected).min(from, expected).max(to, expected)
}

/** Seconds above zero, no more than a timer can wait. */
export const seconds = (() => {
  const expected = `a number of seconds above 0 and up to ${longestSeconds}`
  return z.number(expected).gt(0, expected).max(longestSeconds, expected)
})()

/** Seconds, where 0 means never. */
export const secondsOrNever = (() => {
  const expected = `a number of seconds from 0 (never) to ${longestSeconds}`
  return z.number(expected).min(0, expected).max(longestSeconds, expected)
})()

/** Milliseconds, no more than a timer can wait. */
export const milliseconds = (() => {
  const expected = `a number of milliseconds from 0 to ${longestMs}`
  return z.number(expected).min(0, expected).max(longestMs, expected)
})()

/** A TCP port to connect to. */
export const port = wholeNumber(1, 65_535)

/** A list of text. */
export const textList = z.array(text, 'a list of text')

/** One of a few words. */
export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words, `one of ${words.join(', ')}`)
}

/** Text of which `findExpected` says what is expected instead, or undefined when it is right. */
export function checkedText(expected: string, findExpected: (value: string) => string | undefined) {
  return z.string(expected).superRefine((value, context) => {
    const message = findExpected(value)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })
}

/** An absolute address of one of the schemes. What would be shown with it or never sent is refused. */
export function address(example: string, schemes: readonly string[]) {
  const expected = `an address like ${example}`
  return checkedText(expected, (value) => {
    // The parser would drop or escape these.
    if (/[\s\p{Cc}]/u.test(value) || !URL.canParse(value)) return expected
    const { protocol, username, password } = new URL(value)
    if (!schemes.includes(protocol)) return expected
    if (username !== '' || password !== '') {
      return `${expected}, without a name or password in it, which would be shown; send them in a header, such as Authorization`
    }
    return value.includes('#')
      ? `${expected}, without a # and what follows it, which no server gets`
      : undefined
  })
}

/** A group in which only the keys of the shape may stand. */
export function group<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, 'a group of keys')
}
