/** A command could not do what it was asked. Its message is the plain sentence for stderr; the exit code is 1. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
}
